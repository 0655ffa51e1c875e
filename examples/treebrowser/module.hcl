module "TreeBrowser" {
  version     = "1.0.0"
  description = "Draws a tree in Newick format."
  owners      = ["grace"]

  run {
    command = "go"
    args    = ["run", "main.go", "newick.go"]
    port    = 5000
    health {
      path           = "/"
      start_deadline = "3m"
    }
  }

  resources {
    cpu    = 200
    memory = 256
    disk   = 100
  }

  scale {
    max        = 2
    idle_after = "5m"
  }
}
