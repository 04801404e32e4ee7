cluster "main" {
  identifier = "prod-tenants"
}

tenant "client" {
  count       = 3
  databases   = ["db${count.index}"]
  allowed_ips = ["203.0.113.7/32"]
}
