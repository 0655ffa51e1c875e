module "TreeBrowser" {
  version     = "1.1.0"
  description = "Draws a tree in Newick format."
  owners      = ["grace"]

  run {
    command = "node"
    args    = ["server.js"]
    port    = 5000
    health {
      path           = "/"
      start_deadline = "30s"
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
