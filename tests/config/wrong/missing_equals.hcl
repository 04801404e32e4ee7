cluster "main" {
  identifier = "prod-tenants"
}

tenant "client01" {
  databases   ["db1"]
  allowed_ips = ["203.0.113.7/32"]
}
