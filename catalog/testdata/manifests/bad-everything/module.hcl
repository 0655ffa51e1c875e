module "Filter Contigs" {
  version     = 1.2
  descripton  = "misspelt"
  owners      = "ada"
  interface   = "Missing.spec"
  apps        = "../apps"
  env         = {}

  run {
    image      = "Not An Image"
    command    = python3
    port       = 70000
    env        = { A = "x", PORT = "1", "a b" = "c", B = "${var.x}" }
    secrets    = ["A B"]
    stop_grace = 30
    health {
      path           = "health"
      start_deadline = "soon"
      interval       = "1s"
    }
    helth {}
  }

  resources {
    cpu    = "500"
    memory = 0
    disk   = 1.5
    gpu {
      count = 1
    }
    gpu "nvidia/gpu" {
      count      = 0
      min_memory = "24GB"
    }
  }

  scale {
    min        = 5
    max        = 2
    idle_after = "10 minutes"
    window "office hours" {
      cron      = "0 8 * *"
      time_zone = "Pacific"
      min       = 9
    }
    window "office hours" {
      cron     = "@daily"
      duration = "1h"
    }
  }

  method "FilterContigs.filter" {
    mode       = "later"
    timeout    = "60"
    idempotent = "yes"
  }
  method "m" {
    job_timeout = "2h"
  }
  access {
    visiblity = "listed"
    users     = ["a b"]
  }
  run = {}
  scale {
  }
}
