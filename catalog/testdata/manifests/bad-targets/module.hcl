module "Targets" {
  version = "1.0.0"
  run {
    command = "bin/server"
  }
  scale {
    target {
      requests_per_second = -1
      queue_delay         = "1ms"
      cpu_percent         = 170
      percentile          = 12
      memory_percent      = 80
    }
  }
}
