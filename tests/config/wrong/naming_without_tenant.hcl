cluster "main" {
  identifier = "prod-tenants"
}

naming {
  database = "${database}"
  role     = tenant
  iam_role = "role_${each.key}"
}
