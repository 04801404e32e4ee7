cluster "main" {
  identifier = "prod-tenants"
}

variable "stage" {
  default = "prod"
}

tenant "client01" {
  databases   = var.stage ? ["db1"] : []
  allowed_ips = [for ip in ["203.0.113.7/32"] : ip if var.stage]
  extensions  = var.stage == "prod" ? "pg_trgm" : []
}
