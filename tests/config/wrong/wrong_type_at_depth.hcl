cluster "main" {
  identifier = "prod-tenants"
}

clients = [
  { name = "client01", databases = { db1 = true, db2 = "false" }, allowed_ips = ["203.0.113.7/32"] },
  { name = "client02", databases = ["db1", ["db2"]], allowed_ips = "203.0.113.8/32" },
  { databases = ["db1"], rds_iam_auth = false },
]
