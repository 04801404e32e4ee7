cluster "main" {
  identifier = "prod-tenants"
}

data "aws_rds_cluster" "main" {
  cluster_identifier = "prod-tenants"
}

resource "postgresql_role" "client01" {
  name  = "client01"
  login = true
}
