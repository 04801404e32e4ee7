cluster "main" {
  identifier = "prod-tenants"
}

variable "customers" {
  default = [
    { name = "client01", ips = ["203.0.113.7/32"] },
    { name = "client02", ips = ["203.0.113.8/32"] },
  ]
}

tenant "customers" {
  for_each    = var.customers
  databases   = ["db1"]
  allowed_ips = each.value.ips
}
