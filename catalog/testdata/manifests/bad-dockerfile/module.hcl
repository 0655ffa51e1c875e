module "Built" {
  version = "1.0.0"
  run {
    image      = "registry.example.org/built:1"
    dockerfile = "Dockerfile"
  }
}
module "Other" {
}
