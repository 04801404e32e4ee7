cluster "europe" {
  identifier = "prod-europe"
  region     = "eu-central-1"
  admin { username = "boss" }
}

cluster "america" {
  identifier = "prod-america"
  region     = "us-east-1"
  readers    = ["client02"]
}

cluster "America" {
  identifier = "Prod-America"
  region     = "us-east-1"
}

cluster "europe" {
  identifier = "prod-europe-2"
}

defaults {
  databases   = ["db1"]
  allowed_ips = ["203.0.113.7/32"]
}

# Does not say where it is.
tenant "client01" {}

# Is where there is nothing.
tenant "client02" {
  cluster = "amerika"
}

# The name of the reader there, and here of nobody.
tenant "client03" {
  cluster = "europe"
}

# The name of the admin on one cluster, and of nobody on the other.
tenant "boss" {
  cluster = "europe"
}

# IAM has one name for both, Postgres has two.
tenant "shop_a" {
  cluster   = "europe"
  databases = ["b"]
}
tenant "Shop_a" {
  cluster   = "america"
  databases = ["b"]
}

tenant "client04" {
  cluster = true
}
