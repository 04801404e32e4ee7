cluster "main" {
  identifier = "prod-tenants"
  region = "eu-central-1"
  endpoint = "localhost:21479"
  sslrootcert = "/var/tmp/tenantctl-testbed/run/pg-5nilsj/ca.pem"
}
