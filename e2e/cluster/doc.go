// Package cluster runs a whole HashiCorp cluster on one machine for the end to
// end tests and for people (e2e/devcluster): one Consul server, one Nomad
// server, three Nomad clients of the classes general, highmem and gpu, each
// with a Consul agent of its own, a Docker daemon and an image registry. All of
// them are real, separate processes; nothing is faked but the gpu client's two
// cards.
//
//	harness ── consul-server  127.B.0.1:8500 and the bridge's address
//	        ├─ nomad-server   127.B.0.1:4646
//	        ├─ registry       127.B.0.1:5000
//	        ├─ docker         a unix socket in the cluster's own directory
//	        ├─ consul-general 127.B.0.11:8500 ── nomad-general 127.B.0.11:4646
//	        ├─ consul-highmem 127.B.0.12:8500 ── nomad-highmem 127.B.0.12:4646
//	        └─ consul-gpu     127.B.0.13:8500 ── nomad-gpu     127.B.0.13:4646
//
// B is 64 plus the number of the slot the cluster took: a machine has four
// slots, each with its own loopback addresses, bridges, subnets and ports, so
// clusters run beside each other and after each other without a meeting. What a
// killed run left in a slot is cleared away by the next Start that takes it.
//
// It needs root on Linux, and changes nothing outside loopback, two bridges of
// its own and its own directory. It imports nothing of the product.
package cluster
