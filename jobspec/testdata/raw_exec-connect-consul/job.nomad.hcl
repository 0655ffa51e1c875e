job "dyn-filtercontigs-4f2a9c1d" {
  namespace   = "default"
  datacenters = ["*"]
  node_pool   = "default"
  type        = "service"

  meta {
    dynsvc_commit  = "4f2a9c1d3b5e60718293a4b5c6d7e8f901234567"
    dynsvc_module  = "FilterContigs"
    dynsvc_spec    = "sha256:9faeeede9a7ff251cbf000424a8ce4fb873f03d00c9da8c920c8d9e510787ead"
    dynsvc_version = "1.2.0"
  }

  # A regular expression, since it alone also fits nodes without a class.
  constraint {
    attribute = "${node.class}"
    operator  = "regexp"
    value     = "^(?:general|highmem)$"
  }

  affinity {
    attribute = "${node.class}"
    operator  = "regexp"
    value     = "^(?:general)$"
    weight    = 50
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
        dynsvc_spec    = "sha256:9faeeede9a7ff251cbf000424a8ce4fb873f03d00c9da8c920c8d9e510787ead"
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
          driver = "raw_exec"

          config {
            command = "/usr/local/bin/consul"
            args = [
              "connect", "proxy",
              "-service", "dyn-filtercontigs-4f2a9c1d",
              "-service-addr", "127.0.0.1:5000",
              "-listen", "0.0.0.0:${NOMAD_PORT_connect_proxy_dyn_filtercontigs_4f2a9c1d}",
            ]
          }

          env {
            CONSUL_HTTP_ADDR = "172.26.64.1:8500"
          }

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
      driver = "raw_exec"

      config {
        # Nomad looks a relative command up in the task's folder, then in PATH.
        command  = "bin/server"
        work_dir = "${NOMAD_TASK_DIR}"
        args     = ["-level", "debug"]
      }

      artifact {
        source      = "http://127.0.0.1:8080/bundles/bebebebebebebebebebebebebebebebebebebebebebebebebebebebebebebebe.tar.gz"
        destination = "local/"

        options {
          checksum = "sha256:bebebebebebebebebebebebebebebebebebebebebebebebebebebebebebebebe"
        }
      }

      env {
        PORT           = "5000"
        DYNSVC_MODULE  = "FilterContigs"
        DYNSVC_VERSION = "1.2.0"
        DYNSVC_SERVICE = "dyn-filtercontigs-4f2a9c1d"
        HOST           = "127.0.0.1"
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
