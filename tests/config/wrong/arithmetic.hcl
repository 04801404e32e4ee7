cluster "main" {
  identifier = "prod-tenants"
}

locals {
  share = 100 / (3 - 3)
  more  = "20" + 1
  large = pow(10, 400)
}
