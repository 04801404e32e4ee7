# Values that differ between environments: `tenantctl plan --var environment=staging`, or a file of them with --var-file.
variable "environment" {
  type    = string
  default = "production"
}

variable "offices" {
  type    = list(string)
  default = ["203.0.113.0/28", "198.51.100.17/32"]
}

# Values that are used more than once. Nothing here can read a file, the environment or the network.
locals {
  workspaces = { production = "prod", staging = "stage" }
  support    = ["192.0.2.44/32"]
}
