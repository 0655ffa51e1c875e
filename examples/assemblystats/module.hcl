module "AssemblyStats" {
  version     = "1.0.0"
  description = "Tells how long, how whole and how rich in GC an assembly is."
  owners      = ["ada"]
  interface   = "AssemblyStats.spec"

  run {
    build   = ["go", "build", "-o", "bin/server", "."]
    command = "bin/server"
    port    = 5000
    health {
      path           = "/"
      start_deadline = "30s"
    }
  }

  resources {
    cpu    = 200
    memory = 128
    disk   = 100
  }

  scale {
    max        = 4
    idle_after = "5m"
  }

  method "summarize" {
    timeout    = "60s"
    idempotent = true
  }

  method "count_kmers" {
    mode        = "both"
    timeout     = "60s"
    job_timeout = "30m"
    idempotent  = true
  }
}
