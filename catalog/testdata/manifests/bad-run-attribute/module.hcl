module "A" {
  version = "1.0.0"
  run     = { command = "x" }
  owners {
  }
}
