module "Built" {
  version = "1.0.0"
  run {
    dockerfile = "docker/Dockerfile"
    command    = "bin/server"
    args       = ["-v"]
    build      = ["make"]
  }
}
