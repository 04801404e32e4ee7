cluster "main" {
  identifier = "prod-tenants"
}

locals {
  names = { client01 = 1 }
  a     = join(["x"], ",")
  b     = upper("x", "y")
  c     = substr("client01")
  d     = max(["1", "2"])
  e     = tonumber("twenty")
  f     = keys(["x"])
  g     = format("%d", "x")
  h     = regex("[a-", "x")
  i     = length(local.names.client01)
  j     = element([], 0)
  k     = lookup(local.names, "client02")
}
