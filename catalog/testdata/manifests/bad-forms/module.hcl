module "A" {
  version = "v1.0.0"
  run {
    image    = "a:1"
    artifact = "file:///etc/passwd"
    checksum = "md5:00"
    command  = "../x"
    args     = ["a", "b\u0007"]
  }
}
