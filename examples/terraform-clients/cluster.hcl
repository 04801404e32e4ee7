# The list of clients of a Terraform configuration, as it stands: clients.tfvars is not changed by a letter. All that
# tenantctl needs besides is the cluster.
#
#     tenantctl validate --var-file clients.tfvars
#     tenantctl plan     --var-file clients.tfvars
#
# What was made by Terraform exists without tenantctl's mark. The first plan holds it as "exists, not ours", until
# `tenantctl adopt --tenant client01` says that it is meant.
cluster "main" {
  identifier = "prod-tenants"
  region     = "eu-central-1"
}
