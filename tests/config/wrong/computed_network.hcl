cluster "main" {
  identifier = "prod-tenants"
}

variable "office" {
  default = "203.0.113.0/24"
}

tenant "client01" {
  databases   = ["db1"]
  allowed_ips = [cidrsubnet(var.office, 12, 1), cidrhost(var.office, 7), cidrsubnet("203.0.113.0", 4, 0)]
}
