cluster "main" {
  identifier = data.aws_rds_cluster.main.cluster_identifier
}

tenant "client01" {
  databases   = ["db1"]
  allowed_ips = [aws_eip.office.public_ip]
}
