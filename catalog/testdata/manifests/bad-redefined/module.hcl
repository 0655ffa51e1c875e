module "A" {
  version = "1.0.0"
  version = "1.0.1"
  run {
    command = "x"
    prot    = 1
  }
}
