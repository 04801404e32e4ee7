cluster "main" {
  identifier = "prod-tenants"
}

tenant "client01" {
  databases   = ["db_${formatdate("YYYY", timestamp())}"]
  allowed_ips = jsondecode(file("networks.json"))
  settings    = { "app.id" = uuid(), "app.stage" = env("STAGE") }
}
