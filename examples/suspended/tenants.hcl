# The life of a tenant: active, suspended, and gone.
cluster "main" {
  identifier = "prod-tenants"
  region     = "eu-central-1"
}

tenant "meadow" {
  databases   = ["app"]
  allowed_ips = ["203.0.113.7/32"]
}

# Did not pay. Access is cut: no login, sessions ended, access keys switched off, the IAM role cannot be assumed. Every
# object and all data stay. Take the line out and the next apply gives all of it back.
tenant "orchard" {
  state       = "suspended"
  databases   = ["app"]
  allowed_ips = ["203.0.113.8/32"]
}

# Gave one database up. A database that is not wanted any more is closed to its tenant and stays, with its data.
tenant "prairie" {
  databases   = { app = true, reports = false }
  allowed_ips = ["203.0.113.9/32"]
}

# Will leave for good. A tenant that is taken out of the file loses its access and keeps its data, unless this line was
# applied before: then its databases are dropped. Apply it first, take the block out later; each is a plan to read.
tenant "ravine" {
  deletion_policy = "delete"
  databases       = ["app"]
  allowed_ips     = ["203.0.113.10/32"]
}
