clients = [
  { name = "client01", databases = { db1 = true, db2 = true, db3 = false }, allowed_ips = ["109.241.200.168/32"], rds_iam_auth = true },
  { name = "client02", databases = { db1 = true, db2 = false, db3 = false }, allowed_ips = ["0.0.0.0/0"], rds_iam_auth = false },
]
