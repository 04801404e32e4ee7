cluster "main" {
  identifier = "prod-tenants"
}

module "client01" {
  source = "./tenant"
  name   = "client01"
}

output "names" {
  value = module.client01.name
}
