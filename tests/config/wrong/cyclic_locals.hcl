cluster "main" {
  identifier = "prod-tenants"
}

locals {
  all    = concat(local.office, local.vpn)
  office = ["203.0.113.7/32"]
  vpn    = slice(local.all, 0, 1)
}
