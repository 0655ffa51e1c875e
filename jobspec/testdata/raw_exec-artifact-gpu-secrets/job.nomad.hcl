job "dyn-filtercontigs-4f2a9c1d" {
  namespace   = "default"
  datacenters = ["*"]
  node_pool   = "default"
  type        = "service"

  meta {
    dynsvc_commit  = "4f2a9c1d3b5e60718293a4b5c6d7e8f901234567"
    dynsvc_module  = "FilterContigs"
    dynsvc_spec    = "sha256:41700302a9500b78be7241b399ffa066b49d2376abc3af9bd30f8ecd93e8c701"
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
      size = 300
    }

    network {
      mode = "host"

      port "http" {}
    }

    service {
      name = "dyn-filtercontigs-4f2a9c1d"
      port = "http"
      tags = ["dynsvc"]

      meta {
        dynsvc_commit  = "4f2a9c1d3b5e60718293a4b5c6d7e8f901234567"
        dynsvc_module  = "FilterContigs"
        dynsvc_spec    = "sha256:41700302a9500b78be7241b399ffa066b49d2376abc3af9bd30f8ecd93e8c701"
        dynsvc_version = "1.2.0"
      }

      check {
        type     = "http"
        path     = "/healthz"
        interval = "1s"
        timeout  = "2s"
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
        source      = "https://dist.example.org/filtercontigs-1.2.0.tar.gz"
        destination = "local/"

        options {
          checksum = "sha256:abababababababababababababababababababababababababababababababab"
        }
      }

      env {
        HOST           = "${NOMAD_IP_http}"
        PORT           = "${NOMAD_PORT_http}"
        DYNSVC_MODULE  = "FilterContigs"
        DYNSVC_VERSION = "1.2.0"
        DYNSVC_SERVICE = "dyn-filtercontigs-4f2a9c1d"
        LOG_LEVEL      = "info"
      }

      # An instance waits until an admin has set every one of these.
      template {
        destination          = "${NOMAD_SECRETS_DIR}/secrets.env"
        env                  = true
        perms                = "0400"
        change_mode          = "noop"
        error_on_missing_key = true
        data                 = <<-EOT
        {{ with nomadVar "dynsvc/modules/filtercontigs" }}
        DB_PASSWORD={{ .DB_PASSWORD.Value | toJSON }}
        {{ end }}
        EOT
      }

      resources {
        cpu    = 500
        memory = 512

        device "nvidia/gpu" {
          count = 2
        }
      }

      kill_timeout = "10s"

      logs {
        max_files     = 3
        max_file_size = 5
      }
    }
  }
}
