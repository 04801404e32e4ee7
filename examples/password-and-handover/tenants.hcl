# Secrets are made only for a tenant that has a `handover`. They are encrypted to its recipient before anything else sees
# them, and written to handover/TENANT.age beside this file. Send that file by whatever means you like.
cluster "main" {
  identifier = "prod-tenants"
  region     = "eu-central-1"
}

# By IAM, with an access key for the tenant's programs. The file holds the key, the role to assume, the endpoint, and
# commands that are ready to run. The recipient made a key pair with `age-keygen` and sent the public half.
tenant "harbor" {
  databases   = ["app"]
  allowed_ips = ["203.0.113.7/32"]

  handover {
    recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
  }
}

# By password. Postgres gets nothing but the verifier of a password that is made on this machine. The recipient is the
# public half of an ssh key, as it stands in ~/.ssh/id_ed25519.pub.
#
# Aurora has no pg_hba.conf, so no `allowed_ips` could be enforced here: restrict the addresses by security group.
tenant "island" {
  databases    = ["app"]
  rds_iam_auth = false

  handover {
    recipient = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN alice@example.com"
  }
}

# Without a handover a password tenant is made without a password, and can log in once somebody has set one.
tenant "jetty" {
  databases    = ["app"]
  rds_iam_auth = false
}
