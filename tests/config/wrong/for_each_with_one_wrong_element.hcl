cluster "main" {
  identifier = "prod-tenants"
}

locals {
  customers = {
    client01 = { ips = ["203.0.113.7/32"], limit = 20 }
    client02 = { ips = ["203.0.113.8/32"], limit = "20 connections" }
    client03 = { ip = "203.0.113.9/32", limit = 20 }
  }
}

tenant "customers" {
  for_each         = local.customers
  databases        = ["db1"]
  allowed_ips      = each.value.ips
  connection_limit = each.value.limit
}
