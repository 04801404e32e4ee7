region = "eu-central-1"
workspace = "prod"

tenants = [
  { name = "client01" },
]

cluster "main" {
  identifier = "prod-tenants"
}

