# Names as a company may want them, and arguments that all tenants share.

tenantctl {
  # The mark on everything that belongs to this configuration. Two on one cluster, or in one account, need different ones.
  workspace = local.workspaces[var.environment]
}

cluster "main" {
  identifier = "${local.workspaces[var.environment]}-tenants"
  region     = "eu-central-1"
}

# How the names of a tenant's objects are made. Choose before the first apply: an object is never renamed.
naming {
  role     = "t_${tenant}"
  database = "t_${tenant}_${database}"
  iam_user = "db-${tenant}"
  iam_role = "db-${tenant}-connect"
}

# For each tenant that does not say it itself. A tenant's own argument replaces the default whole.
defaults {
  databases        = ["app", "events"]
  allowed_ips      = [for network in var.offices : network]
  connection_limit = 20
  extensions       = ["pg_trgm"]

  # `ALTER ROLE .. SET`. A tenant can change these for itself; they are a default, not a fence.
  settings = {
    statement_timeout                   = "30s"
    idle_in_transaction_session_timeout = "5min"
  }
}

# All defaults.
tenant "quarry" {}

# Its own networks besides those of the offices, more connections, one database more, and no extensions.
tenant "river" {
  databases        = ["app", "events", "archive"]
  allowed_ips      = ["203.0.113.0/28", "198.51.100.17/32", local.support[0]]
  connection_limit = var.environment == "production" ? 100 : 20
  extensions       = []
}
