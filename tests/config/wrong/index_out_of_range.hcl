cluster "main" {
  identifier = "prod-tenants"
}

variable "networks" {
  default = ["203.0.113.7/32", "203.0.113.8/32"]
}

tenant "client01" {
  databases   = ["db1"]
  allowed_ips = [var.networks[2], var.networks["first"], toset(var.networks)[0]]
}
