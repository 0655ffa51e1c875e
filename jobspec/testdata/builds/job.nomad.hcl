job "dynsvc-build" {
  namespace   = "default"
  region      = "eu"
  datacenters = ["*"]
  node_pool   = "builders"
  type        = "batch"

  meta {
    dynsvc_spec = "sha256:57aa1982d1149edd9e4c5e44a18bacdbad51bd8c21c98eb170e51118953e4cdf"
  }

  parameterized {
    payload       = "forbidden"
    meta_required = ["bundle", "checksum", "dockerfile", "image"]
  }

  # Dockerfiles are strangers' programs: they run on nodes of this class alone.
  constraint {
    attribute = "${node.class}"
    value     = "builder"
  }

  group "build" {
    # A build that failed fails again. One whose node is lost is asked for anew by
    # whoever wants it, who then reads why.
    restart {
      attempts = 0
      mode     = "fail"
    }

    reschedule {
      attempts  = 0
      unlimited = false
    }

    ephemeral_disk {
      size = 1024
    }

    # It has no secrets, and no template that could read one.
    task "build" {
      driver = "raw_exec"

      lifecycle {
        hook    = "prestart"
        sidecar = false
      }

      artifact {
        source      = "${NOMAD_META_bundle}"
        destination = "local/module"

        options {
          checksum = "${NOMAD_META_checksum}"
        }
      }

      config {
        command = "/bin/sh"
        args = ["-euc", <<-EOT
          exec 2>&1
          mkdir -p "$NOMAD_TASK_DIR/docker"
          export DOCKER_CONFIG="$NOMAD_TASK_DIR/docker"
          cd "$NOMAD_TASK_DIR/module"
          # 124 says that the time was up, whatever a program in the build exits with.
          limited() {
            began=$(date +%s)
            timeout -k 10 90 "$@" && return 0
            [ $(($(date +%s) - began)) -lt 90 ] && return 1
            return 124
          }
          limited "$DYNSVC_DOCKER" build --force-rm -f "$NOMAD_META_dockerfile" -t "$NOMAD_META_image" .
        EOT
        ]
      }

      env {
        DYNSVC_DOCKER   = "docker"
        DYNSVC_REGISTRY = "registry.example.org:5000"
        DOCKER_HOST     = "unix:///run/builder.sock"
      }

      resources {
        cpu    = 1000
        memory = 1024
      }

      kill_timeout = "2s"

      logs {
        max_files     = 2
        max_file_size = 20
      }
    }

    # It alone has what opens the registry, and runs nothing of the module's.
    task "push" {
      driver = "raw_exec"

      template {
        destination = "${NOMAD_SECRETS_DIR}/registry.env"
        env         = true
        perms       = "0400"
        change_mode = "noop"
        data        = <<-EOT
        {{ if nomadVarExists "nomad/jobs/dynsvc-build/build/push" }}{{ with nomadVar "nomad/jobs/dynsvc-build/build/push" }}
        REGISTRY_USERNAME={{ .username.Value | toJSON }}
        REGISTRY_PASSWORD={{ .password.Value | toJSON }}
        {{ end }}{{ end }}
        EOT
      }

      config {
        command = "/bin/sh"
        args = ["-ec", <<-EOT
          exec 2>&1
          umask 077
          mkdir -p "$NOMAD_SECRETS_DIR/docker"
          export DOCKER_CONFIG="$NOMAD_SECRETS_DIR/docker"
          if [ -n "$REGISTRY_USERNAME" ]; then
            printf %s "$REGISTRY_PASSWORD" | "$DYNSVC_DOCKER" login -u "$REGISTRY_USERNAME" --password-stdin "$DYNSVC_REGISTRY"
          fi
          # 124 says that the time was up, whatever a program in the build exits with.
          limited() {
            began=$(date +%s)
            timeout -k 10 90 "$@" && return 0
            [ $(($(date +%s) - began)) -lt 90 ] && return 1
            return 124
          }
          code=0
          limited "$DYNSVC_DOCKER" push "$NOMAD_META_image" || code=$?
          rm -rf "$DOCKER_CONFIG"
          # Its layers stay, for the next build; its name is the registry's now.
          "$DYNSVC_DOCKER" image rm --no-prune "$NOMAD_META_image" >/dev/null || true
          exit $code
        EOT
        ]
      }

      env {
        DYNSVC_DOCKER   = "docker"
        DYNSVC_REGISTRY = "registry.example.org:5000"
        DOCKER_HOST     = "unix:///run/builder.sock"
      }

      resources {
        cpu    = 100
        memory = 128
      }

      kill_timeout = "2s"

      logs {
        max_files     = 2
        max_file_size = 20
      }
    }
  }
}
