cluster "main" {
  identifier = "prod-tenants"
}

defaults {
  databases    = ["db1"]
  rds_iam_auth = false
}

tenant "postgres" {}
tenant "rds_client" {}
tenant "Client 01" {}
tenant "client*" {}
