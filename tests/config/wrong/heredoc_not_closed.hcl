cluster "main" {
  identifier = "prod-tenants"
}

tenant "client01" {
  databases    = ["db1"]
  rds_iam_auth = false
  handover {
    recipient = <<KEY
age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p
  }
}
