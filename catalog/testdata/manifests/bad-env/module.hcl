module "A" {
  version = "1.0.0"
  owners  = ["ada", "ada"]
  run {
    command = "x"
    port    = -1
    env = {
      GOOD       = "x"
      NOMAD_ADDR = "x"
      "a b"      = "x"
      TEXT       = "{{ key }}"
      PORT       = "80"
    }
    secrets = ["GOOD", "GOOD"]
  }
}
