cluster "main" {
  identifier = "prod-tenants"
}

variable "office" {
  type = list(string)
}

tenant "client01" {
  databases   = ["db1"]
  allowed_ips = concat(var.office, var.ofice, local.vpn, office)
}
