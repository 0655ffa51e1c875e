module "Wrong" {
  version   = "1.0.0"
  interface = "Wrong.spec"
  run {
    command = "x"
  }
  method "hello" {
    mode = "sync"
  }
  method "helo" {}
  method "status" {}
}
