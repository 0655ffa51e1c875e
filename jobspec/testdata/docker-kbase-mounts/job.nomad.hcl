job "dyn-kb-hello-4f2a9c1d" {
  namespace   = "default"
  datacenters = ["*"]
  node_pool   = "default"
  type        = "service"

  meta {
    dynsvc_commit  = "4f2a9c1d3b5e60718293a4b5c6d7e8f901234567"
    dynsvc_module  = "Kb_Hello"
    dynsvc_spec    = "sha256:480c37da6a01946af9d0bc23b534ae3098b3044d4fef44ca9f53fa8b17f8e63c"
    dynsvc_version = "0.0.1"
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
      max     = 1
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

    volume "mount-0" {
      type      = "host"
      source    = "static"
      read_only = true
    }

    volume "mount-1" {
      type   = "host"
      source = "cache"
    }

    network {
      mode = "bridge"
    }

    service {
      name = "dyn-kb-hello-4f2a9c1d"
      port = "5000"
      tags = ["dynsvc"]

      meta {
        dynsvc_commit  = "4f2a9c1d3b5e60718293a4b5c6d7e8f901234567"
        dynsvc_module  = "Kb_Hello"
        dynsvc_spec    = "sha256:480c37da6a01946af9d0bc23b534ae3098b3044d4fef44ca9f53fa8b17f8e63c"
        dynsvc_version = "0.0.1"
      }

      check {
        type     = "http"
        path     = "/health"
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
        image              = "registry.example.org/kbase/kb_hello:4f2a9c1d3b5e60718293a4b5c6d7e8f901234567"
        image_pull_timeout = "5m0s"

        # KBase's start script takes its settings from here before the environment.
        volumes = ["secrets/config.properties:/kb/module/work/config.properties"]

        labels = {
          "us.kbase.dynamicservice"         = "true"
          "us.kbase.module.module_name"     = "kb_hello"
          "us.kbase.module.version"         = "0.0.1"
          "us.kbase.module.git_commit_hash" = "4f2a9c1d3b5e60718293a4b5c6d7e8f901234567"
        }
      }

      env {
        HOST                            = "0.0.0.0"
        PORT                            = "5000"
        DYNSVC_MODULE                   = "Kb_Hello"
        DYNSVC_VERSION                  = "0.0.1"
        DYNSVC_SERVICE                  = "dyn-kb-hello-4f2a9c1d"
        AUTH_SERVICE_URL                = "https://kbase.example.org/services/auth/api/legacy/KBase/Sessions/Login"
        AUTH_SERVICE_URL_ALLOW_INSECURE = "false"
        KBASE_ENDPOINT                  = "https://kbase.example.org/services"
      }

      # What admins have set for this version; instances read it when they start.
      template {
        destination = "${NOMAD_SECRETS_DIR}/kbase.env"
        env         = true
        perms       = "0400"
        change_mode = "noop"
        data        = <<-EOT
        {{ if nomadVarExists "nomad/jobs/dyn-kb-hello-4f2a9c1d" }}{{ with nomadVar "nomad/jobs/dyn-kb-hello-4f2a9c1d" }}{{ range $name, $parameter := . }}
        KBASE_SECURE_CONFIG_PARAM_{{ $name }}={{ $parameter.Value | toJSON }}
        {{ end }}{{ end }}{{ end }}
        EOT
      }

      # The same as the start script would make of the environment, but with any
      # value: in its format a % or the end of a line means something.
      template {
        destination = "secrets/config.properties"
        perms       = "0444"
        change_mode = "noop"
        data        = <<-EOT
        [global]
        kbase_endpoint = {{ env "KBASE_ENDPOINT" }}
        job_service_url = {{ env "KBASE_ENDPOINT" }}/userandjobstate
        workspace_url = {{ env "KBASE_ENDPOINT" }}/ws
        shock_url = {{ env "KBASE_ENDPOINT" }}/shock-api
        handle_url = {{ env "KBASE_ENDPOINT" }}/handle_service
        srv_wiz_url = {{ env "KBASE_ENDPOINT" }}/service_wizard
        njsw_url = {{ env "KBASE_ENDPOINT" }}/njs_wrapper
        {{ with env "AUTH_SERVICE_URL" }}auth_service_url = {{ . }}{{ end }}
        auth_service_url_allow_insecure = {{ env "AUTH_SERVICE_URL_ALLOW_INSECURE" }}
        {{ if nomadVarExists "nomad/jobs/dyn-kb-hello-4f2a9c1d" }}{{ with nomadVar "nomad/jobs/dyn-kb-hello-4f2a9c1d" }}{{ range $name, $parameter := . }}
        {{ $name }} = {{ $parameter.Value | replaceAll "%" "%%" | replaceAll "\n" "\n " }}
        {{ end }}{{ end }}{{ end }}
        EOT
      }

      volume_mount {
        volume      = "mount-0"
        destination = "/data/static"
        read_only   = true
      }

      volume_mount {
        volume      = "mount-1"
        destination = "/kb/cache"
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
