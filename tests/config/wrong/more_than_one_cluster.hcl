cluster "main" {
  identifier = "prod-tenants"
}

cluster "other" {
  identifier = "other-tenants"
}
