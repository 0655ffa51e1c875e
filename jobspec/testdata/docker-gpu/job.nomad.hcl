job "dyn-filtercontigs-4f2a9c1d" {
  namespace   = "default"
  datacenters = ["*"]
  node_pool   = "default"
  type        = "service"

  meta {
    dynsvc_commit  = "4f2a9c1d3b5e60718293a4b5c6d7e8f901234567"
    dynsvc_module  = "FilterContigs"
    dynsvc_spec    = "sha256:73dd9d8077172a3249c5cf6d5cbb5142a3e3b10e4a2aa605b029e43434ff7efd"
    dynsvc_version = "1.2.0"
  }

  # A regular expression, since it alone also fits nodes without a class.
  constraint {
    attribute = "${node.class}"
    operator  = "regexp"
    value     = "^(?:gpu)$"
  }

  # No deployments: while one is active, Nomad refuses to scale.
  update {
    max_parallel = 0
  }

  group "app" {
    count          = 0
    shutdown_delay = "5s"

    scaling {
      enabled = true
      min     = 0
      max     = 10
    }

    restart {
      attempts = 1
      interval = "10m"
      delay    = "1s"
      mode     = "fail"
    }

    reschedule {
      attempts       = 2
      interval       = "10m"
      delay          = "5s"
      delay_function = "constant"
      unlimited      = false
    }

    ephemeral_disk {
      size = 10000
    }

    network {
      mode = "bridge"
    }

    service {
      name = "dyn-filtercontigs-4f2a9c1d"
      port = "5000"
      tags = ["dynsvc"]

      meta {
        dynsvc_commit  = "4f2a9c1d3b5e60718293a4b5c6d7e8f901234567"
        dynsvc_module  = "FilterContigs"
        dynsvc_spec    = "sha256:73dd9d8077172a3249c5cf6d5cbb5142a3e3b10e4a2aa605b029e43434ff7efd"
        dynsvc_version = "1.2.0"
      }

      check {
        type     = "http"
        path     = "/"
        interval = "1s"
        timeout  = "2s"

        # The sidecar admits no check, so Consul asks the program itself, at
        # the allocation's address on the node's bridge.
        address_mode = "alloc"
      }

      connect {
        sidecar_service {
          # It comes every 10 s only; the check above tells more and sooner.
          disable_default_tcp_check = true
        }

        sidecar_task {
          shutdown_delay = "0s"

          # Left out, they would be 100 MB, and no smaller disk would do.
          logs {
            max_files     = 2
            max_file_size = 2
          }

          resources {
            cpu    = 100
            memory = 128
          }
        }
      }
    }

    task "app" {
      driver = "docker"

      config {
        image              = "registry.example.org/filtercontigs:1.2.0"
        image_pull_timeout = "5m0s"
      }

      env {
        HOST           = "0.0.0.0"
        PORT           = "5000"
        DYNSVC_MODULE  = "FilterContigs"
        DYNSVC_VERSION = "1.2.0"
        DYNSVC_SERVICE = "dyn-filtercontigs-4f2a9c1d"
        LOG_LEVEL      = "info"
      }

      resources {
        cpu        = 2000
        memory     = 16384
        memory_max = 24576

        device "nvidia/gpu" {
          count = 1

          constraint {
            attribute = "${device.attr.memory}"
            operator  = ">="
            value     = "24576 MiB"
          }

          constraint {
            attribute = "${device.model}"
            operator  = "regexp"
            value     = "(?i)A100"
          }
        }
      }

      kill_timeout = "30s"

      logs {
        max_files     = 3
        max_file_size = 5
      }
    }
  }
}
