cluster "main" {
  identifier = "prod-tenants"
}

tenant "client01" {
  databases   = ["db1"]
  allowed_ips = ["203.0.113.7", "office.example.com", "203.0.113.0/255.255.255.0", "203.0.113.7/33", "203.0.113.1-203.0.113.9", ""]
}
