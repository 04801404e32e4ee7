cluster "main" {
  identifier = "prod-tenants.cluster-abc.eu-central-1.rds.amazonaws.com"
  engine     = "aurora-postgresql"
  region     = "Frankfurt"
  endpoint   = "localhost"
  sslmode    = "prefer"
  port       = 5432
}
