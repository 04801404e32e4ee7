cluster "main" {
  identifier = "prod-tenants"
}

tenant "client01" {
  databases         = ["db1"]
  allowed_ip        = ["203.0.113.7/32"]
  connections_limit = 20
  iam_auth          = true
  extension         = ["pg_trgm"]
}
