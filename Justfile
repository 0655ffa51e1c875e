# The recipes call the same scripts and commands as the documentation and CI.

default:
    @just --list

# Run dynsvc on this machine with the examples; nothing but Go and a C compiler is needed.
dev *ARGS:
    go run ./cmd/dynsvc dev {{ARGS}}

# A real Nomad, Consul, Docker and registry on loopback, for trying things (root, Debian).
dev-cluster *ARGS:
    scripts/test tools
    go run ./e2e/devcluster {{ARGS}}

# Everything that needs no root: vet and unit tests with the race detector.
test:
    scripts/test unit

lint:
    scripts/test lint

# The whole journey on real Nomad, Consul and Docker (root, Debian).
e2e:
    scripts/test e2e

# Ratios against bare Nomad, Caddy, HAProxy and a bare ReverseProxy, in one run (root, Debian).
bench:
    scripts/bench

# What becomes of calls on a real cluster that fails in every way, for ten minutes (root, Debian).
soak *ARGS:
    scripts/soak {{ARGS}}

# Rewrite golden files; the diff is reviewed in git.
gen:
    go test ./jobspec/... ./catalog/... ./kidl/... ./sdk/gen/... ./cmd/... -update
    go run ./cmd/dynsvc generate examples/filtercontigs

# What CI runs.
ci:
    .ci/run
