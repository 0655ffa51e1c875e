job "dyn-filtercontigs-4f2a9c1d" {
  namespace   = "default"
  datacenters = ["*"]
  node_pool   = "default"
  type        = "service"

  meta {
    dynsvc_commit  = "4f2a9c1d3b5e60718293a4b5c6d7e8f901234567"
    dynsvc_module  = "FilterContigs"
    dynsvc_spec    = "sha256:8702605689d8da647fb75c4cb8aac900da73272acea7434334a32e37daa6dd38"
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

      port "http" {
        to = 5000
      }
    }

    service {
      name = "dyn-filtercontigs-4f2a9c1d"
      port = "http"
      tags = ["dynsvc"]

      meta {
        dynsvc_commit  = "4f2a9c1d3b5e60718293a4b5c6d7e8f901234567"
        dynsvc_module  = "FilterContigs"
        dynsvc_spec    = "sha256:8702605689d8da647fb75c4cb8aac900da73272acea7434334a32e37daa6dd38"
        dynsvc_version = "1.2.0"
      }

      check {
        type     = "http"
        path     = "/"
        interval = "1s"
        timeout  = "2s"
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

      # An instance waits until an admin has set every one of these.
      template {
        destination          = "${NOMAD_SECRETS_DIR}/secrets.env"
        env                  = true
        perms                = "0400"
        change_mode          = "noop"
        error_on_missing_key = true
        data                 = <<-EOT
        {{ with nomadVar "dynsvc/modules/filtercontigs" }}
        API_KEY={{ .API_KEY.Value | toJSON }}
        DB_PASSWORD={{ .DB_PASSWORD.Value | toJSON }}
        {{ end }}
        EOT
      }

      resources {
        cpu    = 500
        memory = 512
      }

      kill_timeout = "30s"

      logs {
        max_files     = 3
        max_file_size = 5
      }
    }
  }
}
