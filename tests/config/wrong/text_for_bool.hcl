cluster "main" {
  identifier = "prod-tenants"
}

tenant "client01" {
  databases        = { db1 = "true" }
  rds_iam_auth     = "false"
  connection_limit = "20"
}
