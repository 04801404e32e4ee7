cluster "main" {
  identifier = "prod-tenants"
}

# Müller
tenant "client01" {
  databases   = { db1 = true }
  allowed_ips = ["203.0.113.7/32"]
}
