module "Wrong" {
  version   = "1.0.0"
  interface = "Wrong.spec"
  run {
    command = "x"
  }
  scale {
    min = -1
  }
}
