module "A" {
  version = "1.0.0"
  run {
    command = "x"
    health  { path = "/" start_deadline = "120s" }
  }
}
