cluster "main" {
  identifier = "prod-tenants"
}

locals {
  ips = ["203.0.113.7/32"]
}

tenant "client01" {
  databases   = ["db1"]
  allowed_ips = ["x-${local.ips}"]
}
