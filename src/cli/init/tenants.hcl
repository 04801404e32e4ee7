# One block a tenant. A block that goes cuts the tenant's access and keeps its data.
#
# tenant "client01" {
#   databases   = ["db1"]
#   allowed_ips = ["203.0.113.7/32"]
# }
