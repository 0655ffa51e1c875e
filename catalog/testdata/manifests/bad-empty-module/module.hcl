module "A" {}
