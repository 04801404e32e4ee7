# The cluster, and how to get in. Whoever may change this file decides where the admin's password is sent: give it
# owners of its own in CODEOWNERS, apart from tenants.hcl.
cluster "main" {
  identifier = "IDENTIFIER"
  REGION

  admin {
    # From TENANTCTL_PASSWORD_MAIN or PGPASSWORD. Or "secret", which RDS keeps and rotates, or "iam".
    auth = "password"
  }
}
