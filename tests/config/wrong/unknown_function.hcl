cluster "main" {
  identifier = "prod-tenants"
}

locals {
  office = ["203.0.113.7/32"]
}

tenant "client01" {
  databases   = ["db1"]
  allowed_ips = contact(local.office, ["203.0.113.8/32"])
  extensions  = to_list("pg_trgm")
}
