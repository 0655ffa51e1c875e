job "dyn-filtercontigs-4f2a9c1d" {
  namespace   = "default"
  datacenters = ["*"]
  node_pool   = "default"
  type        = "service"

  meta {
    dynsvc_commit  = "4f2a9c1d3b5e60718293a4b5c6d7e8f901234567"
    dynsvc_module  = "FilterContigs"
    dynsvc_spec    = "sha256:009a1855e37defd8a51d3a0287f59a6bba03880c645ce9698858d964026ce5c3"
    dynsvc_version = "1.2.0"
  }

  # A regular expression, since it alone also fits nodes without a class.
  constraint {
    attribute = "${node.class}"
    operator  = "regexp"
    value     = "^(?:general)$"
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
      size = 300
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
        dynsvc_spec    = "sha256:009a1855e37defd8a51d3a0287f59a6bba03880c645ce9698858d964026ce5c3"
        dynsvc_version = "1.2.0"
      }

      check {
        type     = "http"
        path     = "/healthz"
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
      driver = "exec"

      config {
        # Nomad looks a relative command up in the task's folder, then in PATH.
        command  = "bin/server"
        work_dir = "${NOMAD_TASK_DIR}"
        args     = ["-level", "debug"]
      }

      artifact {
        source      = "git::https://git.example.org/filtercontigs.git//dist?ref=v1.2.0"
        destination = "local/"
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
        cpu    = 500
        memory = 512
      }

      kill_timeout = "10s"

      logs {
        max_files     = 3
        max_file_size = 5
      }
    }
  }
}
