module "FilterContigs" {
  version     = "1.0.0"
  description = "Drops contigs shorter than a given length from an assembly."
  owners      = ["ada"]
  interface   = "FilterContigs.spec"

  run {
    command = "python3"
    args    = ["server.py"]
    port    = 5000
    health {
      path           = "/"
      start_deadline = "60s"
    }
  }

  resources {
    cpu    = 200
    memory = 256
    disk   = 100
  }

  scale {
    max         = 4
    concurrency = 4
    idle_after  = "5m"
  }

  method "filter_contigs" {
    mode        = "both"
    timeout     = "60s"
    job_timeout = "30m"
    idempotent  = true
  }

  method "status" {
    timeout    = "10s"
    idempotent = true
  }
}
