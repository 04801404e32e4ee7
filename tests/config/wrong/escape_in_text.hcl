cluster "main" {
  identifier = "prod-tenants"
}

locals {
  known = regexall("\d+", "client01")
}
