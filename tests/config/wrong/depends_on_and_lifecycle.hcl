cluster "main" {
  identifier = "prod-tenants"
}

tenant "client01" {
  databases   = { db1 = true }
  allowed_ips = ["203.0.113.7/32"]
  depends_on  = [cluster.main]
  lifecycle {
    prevent_destroy = true
  }
}
