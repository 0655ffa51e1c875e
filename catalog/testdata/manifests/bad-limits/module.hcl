module "Limits" {
  version = "1.0.0"
  wait    = "forever"
  run {
    command  = "bin/server"
    protocol = "http/3"
  }
  limits {
    wait       = "2h"
    first_byte = "25h"
    idel       = "1s"
    idle       = "0.5ms"
  }
  method "m" {
    timeout = "50m"
    limits {
      total = "1s"
      wait  = "61m"
    }
  }
}
