module "A" {
  version = "1.0.0"
  run {
    command = "x"
  }
}
module "B" {
  version = "1.0.0"
}
