module "FilterContigs" {
  version     = "1.2.0"
  description = "Drops contigs shorter than a given length."
  owners      = ["ada", "grace"]
  interface   = "FilterContigs.spec"
  apps        = "ui/narrative/methods"
  validate    = true
  wait        = "page"

  run {
    image   = "registry.example.org/filtercontigs:1.2.0"
    port    = 8080
    protocol = "h2c"
    env     = { LOG_LEVEL = "info", "MODE" = "fast \"and\" loose" }
    secrets = ["DB_PASSWORD"]
    health {
      path           = "/health"
      start_deadline = "90s"
    }
    stop_grace = "20s"
  }

  resources {
    cpu        = 1000
    memory     = 2048
    memory_max = 4096
    disk       = 600
    gpu "nvidia/gpu" {
      count      = 2
      min_memory = "24 GiB"
      model      = "A100"
    }
  }

  scale {
    min             = 1
    max             = 20
    concurrency     = 4
    max_concurrency = 8
    idle_after      = "1h30m"
    window "office hours" {
      cron      = "0 8 * * 1-5"
      duration  = "10h"
      time_zone = "America/Los_Angeles"
      min       = 2
    }
    window "night run" {
      cron     = "30 1 * * *"
      duration = "90m"
      min      = 3
    }
  }

  access {
    visibility = "listed"
    users      = ["linus", "ken@example.org"]
  }

  limits {
    wait       = "3m"
    first_byte = "30s"
    idle       = "90s"
    total      = "20m"
  }

  method "filter_contigs" {
    mode        = "both"
    timeout     = "60s"
    job_timeout = "2h"
    idempotent  = true
    validate    = false
    limits {
      wait       = "20s"
      first_byte = "10s"
    }
  }
  method "status" {}
}
