module "Targets" {
  version = "1.0.0"
  run {
    command = "bin/server"
  }
  resources {
    gpu "nvidia/gpu" {
      count = 1
    }
  }
  scale {
    target {
      requests_per_second = 100
      queue_delay         = "500ms"
      cpu_percent         = 70
      latency             = "800ms"
      percentile          = 99
    }
  }
}
