terraform {
  required_version = ">= 1.5"
  backend "s3" {
    bucket = "states"
  }
}

provider "aws" {
  region = "eu-central-1"
}

cluster "main" {
  identifier = "prod-tenants"
}

