job "dyn-kb-hello-4f2a9c1d" {
  namespace   = "default"
  datacenters = ["*"]
  node_pool   = "default"
  type        = "service"

  meta {
    dynsvc_commit  = "4f2a9c1d3b5e60718293a4b5c6d7e8f901234567"
    dynsvc_module  = "Kb_Hello"
    dynsvc_spec    = "sha256:1a325ab2ac9a076bab660d4cb4e2424b7531095d4eecc6f55c30ae89ca69d09b"
    dynsvc_version = "0.0.1"
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

    network {
      mode = "bridge"

      port "http" {
        to = 5000
      }
    }

    service {
      name = "dyn-kb-hello-4f2a9c1d"
      port = "http"
      tags = ["dynsvc"]

      meta {
        dynsvc_commit  = "4f2a9c1d3b5e60718293a4b5c6d7e8f901234567"
        dynsvc_module  = "Kb_Hello"
        dynsvc_spec    = "sha256:1a325ab2ac9a076bab660d4cb4e2424b7531095d4eecc6f55c30ae89ca69d09b"
        dynsvc_version = "0.0.1"
      }

      check {
        # The program answers a plain GET with an error; dynsvc itself asks more.
        type     = "tcp"
        interval = "1s"
        timeout  = "2s"
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
