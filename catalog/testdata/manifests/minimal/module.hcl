module "Hello" {
  version = "0.1.0"
  run {
    command = "python3"
    args    = ["server.py"]
  }
}
