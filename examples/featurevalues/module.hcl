module "FeatureValues" {
  version     = "1.0.0"
  description = "Statistics and clusters of features by their values under conditions."
  owners      = ["grace"]
  interface   = "FeatureValues.spec"

  run {
    build   = ["go", "build", "-trimpath", "-o", "bin/featurevalues", "."]
    command = "bin/featurevalues"
    port    = 5000
    health {
      path           = "/"
      start_deadline = "30s"
    }
    stop_grace = "30s"
  }

  resources {
    cpu    = 500
    memory = 512
    disk   = 100
  }

  scale {
    max         = 4
    concurrency = 4
    idle_after  = "10m"
  }

  method "estimate_k" {
    mode        = "both"
    timeout     = "60s"
    job_timeout = "2h"
    idempotent  = true
  }

  method "cluster_k_means" {
    mode        = "both"
    timeout     = "60s"
    job_timeout = "2h"
    idempotent  = true
  }

  method "cluster_hierarchical" {
    mode        = "both"
    timeout     = "60s"
    job_timeout = "2h"
    idempotent  = true
  }

  method "clusters_from_dendrogram" {
    mode        = "both"
    timeout     = "60s"
    job_timeout = "30m"
    idempotent  = true
  }

  method "get_matrix_descriptor" {
    mode       = "sync"
    timeout    = "10s"
    idempotent = true
  }

  method "get_matrix_row_descriptors" {
    mode       = "sync"
    timeout    = "10s"
    idempotent = true
  }

  method "get_matrix_rows_stat" {
    mode       = "sync"
    timeout    = "10s"
    idempotent = true
  }

  method "get_matrix_row_sets_stat" {
    mode       = "sync"
    timeout    = "10s"
    idempotent = true
  }

  method "get_submatrix_stat" {
    mode       = "sync"
    timeout    = "20s"
    idempotent = true
  }
}
