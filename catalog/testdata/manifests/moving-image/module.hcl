module "Trees" {
  version     = "1.0.0"
  description = <<-TEXT
    Draws trees.
    On two lines.
  TEXT
  run {
    image = "registry.example.org:5000/trees"
  }
}
