cluster "main" {
  identifier  = "prod-tenants"
  region      = "eu-central-1"
  endpoint    = var.endpoint
  sslrootcert = var.sslrootcert
}

# Only for a tunnel or a sandbox: without them the cluster's own endpoint and the RDS roots are used.
variable "endpoint" {
  default = null
}
variable "sslrootcert" {
  default = null
}

tenant "client01" {
  databases    = { db1 = true, db2 = true, db3 = false }
  allowed_ips  = ["109.241.200.168/32"]
  rds_iam_auth = true
}

tenant "client02" {
  databases    = { db1 = true, db2 = false, db3 = false }
  allowed_ips  = ["0.0.0.0/0"]
  rds_iam_auth = false
}
