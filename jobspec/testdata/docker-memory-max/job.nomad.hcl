job "dyn-filtercontigs-4f2a9c1d" {
  namespace   = "default"
  datacenters = ["*"]
  node_pool   = "default"
  type        = "service"

  meta {
    dynsvc_commit  = "4f2a9c1d3b5e60718293a4b5c6d7e8f901234567"
    dynsvc_module  = "FilterContigs"
    dynsvc_spec    = "sha256:557015a5aa5bc68e5258ab1c1cf467136392ff841d6fbfc0ca7768b62ada6e87"
    dynsvc_version = "1.2.0"
  }

  # A regular expression, since it alone also fits nodes without a class.
  constraint {
    attribute = "${node.class}"
    operator  = "regexp"
    value     = "^(?:highmem)$"
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
        dynsvc_spec    = "sha256:557015a5aa5bc68e5258ab1c1cf467136392ff841d6fbfc0ca7768b62ada6e87"
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

      resources {
        cpu        = 500
        memory     = 8192
        memory_max = 16384
      }

      kill_timeout = "30s"

      logs {
        max_files     = 3
        max_file_size = 5
      }
    }
  }
}
