cluster "main" {
  identifier = "prod-tenants"
  admin {
    username = "postgres"
    password = "hunter2"
  }
}
