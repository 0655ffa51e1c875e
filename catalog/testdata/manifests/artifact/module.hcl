module "Trees" {
  version = "1.0.0-rc.1"
  run {
    artifact = "git::https://example.org/trees.git//dist?ref=v1.0.0"
    command  = "bin/server"
  }
  scale {
    min         = 12
    concurrency = 100
  }
}
