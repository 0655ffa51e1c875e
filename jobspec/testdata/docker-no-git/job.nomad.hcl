job "dyn-filtercontigs-9c9c9c9c" {
  namespace   = "default"
  datacenters = ["*"]
  node_pool   = "default"
  type        = "service"

  meta {
    dynsvc_module  = "FilterContigs"
    dynsvc_spec    = "sha256:277305db514d4355476e624ce097a18c961c96592dd58996322af1283e50d31a"
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

      port "http" {
        to = 5000
      }
    }

    service {
      name = "dyn-filtercontigs-9c9c9c9c"
      port = "http"
      tags = ["dynsvc"]

      meta {
        dynsvc_module  = "FilterContigs"
        dynsvc_spec    = "sha256:277305db514d4355476e624ce097a18c961c96592dd58996322af1283e50d31a"
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
        DYNSVC_SERVICE = "dyn-filtercontigs-9c9c9c9c"
        LOG_LEVEL      = "info"
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
