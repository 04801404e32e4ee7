# The tenants that tenantctl is measured with, as the aws and postgresql providers make them.
terraform {
  required_providers {
    aws        = { source = "hashicorp/aws" }
    postgresql = { source = "cyrilgdn/postgresql" }
  }
}

variable "tenants" { type = map(string) } # name to address
variable "postgres_port" { type = number }
variable "postgres_username" { type = string }
variable "ca_file" { type = string }
variable "aws_endpoint" { type = string }
variable "cluster_resource_id" { type = string }

provider "aws" {
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  skip_credentials_validation = true
  endpoints {
    iam = var.aws_endpoint
    sts = var.aws_endpoint
  }
}

# The password comes from PGPASSWORD.
provider "postgresql" {
  host            = "localhost"
  port            = var.postgres_port
  username        = var.postgres_username
  sslmode         = "verify-full"
  sslrootcert     = var.ca_file
  superuser       = false
  max_connections = 8
}

resource "aws_iam_user" "this" {
  for_each = var.tenants
  name     = each.key
}

resource "aws_iam_role" "this" {
  for_each = var.tenants
  name     = "rds_cluster_${each.key}"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = aws_iam_user.this[each.key].arn }
      Action    = "sts:AssumeRole"
      Condition = { IpAddress = { "aws:SourceIp" = [each.value] } }
    }]
  })
}

resource "aws_iam_role_policy" "connect" {
  for_each = var.tenants
  name     = "rds-connect"
  role     = aws_iam_role.this[each.key].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "rds-db:connect"
      Resource = "arn:aws:rds-db:*:*:dbuser:${var.cluster_resource_id}/${each.key}"
    }]
  })
}

resource "aws_iam_user_policy" "assume" {
  for_each = var.tenants
  name     = "assume-role"
  user     = aws_iam_user.this[each.key].name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Resource = aws_iam_role.this[each.key].arn }]
  })
}

resource "postgresql_role" "this" {
  for_each = var.tenants
  name     = each.key
  login    = true
  roles    = ["rds_iam"]
}

resource "postgresql_database" "this" {
  for_each = var.tenants
  name     = "${each.key}_app"
}

resource "postgresql_grant" "public_database" {
  for_each    = var.tenants
  database    = postgresql_database.this[each.key].name
  role        = "public"
  object_type = "database"
  privileges  = []
}

resource "postgresql_grant" "tenant_database" {
  for_each    = var.tenants
  database    = postgresql_database.this[each.key].name
  role        = postgresql_role.this[each.key].name
  object_type = "database"
  privileges  = ["CONNECT", "TEMPORARY"]
}

resource "postgresql_grant" "public_schema" {
  for_each    = var.tenants
  database    = postgresql_database.this[each.key].name
  role        = "public"
  schema      = "public"
  object_type = "schema"
  privileges  = []
}

resource "postgresql_grant" "tenant_schema" {
  for_each    = var.tenants
  database    = postgresql_database.this[each.key].name
  role        = postgresql_role.this[each.key].name
  schema      = "public"
  object_type = "schema"
  privileges  = ["CREATE", "USAGE"]
}
