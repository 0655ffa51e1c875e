//go:build e2e

package consul

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
)

// These tests run the pinned Consul: an agent of their own on free ports of
// loopback, and Consul's own proxy as the sidecar.

// policy is all that dynsvc's ACL token needs.
const policy = `
service "dynsvc-gateway" { policy = "write" }
service_prefix "dyn-"    { policy = "read"  intentions = "write" }
node_prefix ""           { policy = "read" }
`

const management = "5a5a5a5a-0000-4000-8000-000000000001"

// consulBinary is $DYNSVC_CONSUL_BIN, or what scripts/tools has built.
func consulBinary(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("DYNSVC_CONSUL_BIN"); path != "" {
		return path
	}
	cache := os.Getenv("DYNSVC_CACHE")
	if cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(dir, "dynsvc")
	}
	pins, err := os.ReadFile("../tools/consul/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	pin := regexp.MustCompile(`github\.com/hashicorp/consul v(\S+)`).FindSubmatch(pins)
	if pin == nil {
		t.Fatal("../tools/consul/go.mod pins no consul")
	}
	path := filepath.Join(cache, "consul-"+string(pin[1]), "consul")
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("no consul to test with (run scripts/tools consul): %v", err)
	}
	return path
}

// cluster is a real agent with a service behind a real sidecar.
type cluster struct {
	t      *testing.T
	binary string
	addr   string
	token  string // dynsvc's
	admin  *api.Client
}

func startCluster(t *testing.T, acl bool, more ...string) *cluster {
	t.Helper()
	k := &cluster{t: t, binary: consulBinary(t)}
	ports := freePorts(t, 3)
	k.addr = fmt.Sprintf("127.0.0.1:%d", ports[0])
	config := fmt.Sprintf(`
		bind_addr            = "127.0.0.1"
		client_addr          = "127.0.0.1"
		disable_update_check = true
		connect { enabled = true }
		ports { http = %d server = %d serf_lan = %d serf_wan = -1 grpc = -1 grpc_tls = -1 dns = -1 }
	`, ports[0], ports[1], ports[2])
	if acl {
		config += fmt.Sprintf(`acl {
			enabled        = true
			default_policy = "deny"
			tokens { initial_management = %q  agent = %[1]q }
		}`, management)
	}
	config += strings.Join(more, "\n")
	dir := t.TempDir()
	file := filepath.Join(dir, "agent.hcl")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "agent.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if text, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("consul's log:\n%s", text)
		}
		_ = log.Close() // consul has its own handle of it
	})
	k.run(dir, log, "agent", "-dev", "-config-file="+file)
	admin, err := api.NewClient(&api.Config{Address: k.addr, Token: management})
	if err != nil {
		t.Fatal(err)
	}
	k.admin = admin
	k.eventually("the certificate authority", 30*time.Second, func() error {
		list, _, err := admin.Agent().ConnectCARoots(nil)
		if err == nil && len(list.Roots) == 0 {
			err = errors.New("no roots")
		}
		return err
	})
	if acl {
		k.eventually("the token", 30*time.Second, func() error {
			if _, _, err := admin.ACL().PolicyCreate(&api.ACLPolicy{Name: "dynsvc", Rules: policy}, nil); err != nil {
				return err
			}
			token, _, err := admin.ACL().TokenCreate(&api.ACLToken{Policies: []*api.ACLTokenPolicyLink{{Name: "dynsvc"}}}, nil)
			if err == nil {
				k.token = token.SecretID
			}
			return err
		})
	}
	return k
}

// run starts the binary and stops it at the end of the test.
func (k *cluster) run(dir string, log io.Writer, args ...string) {
	k.t.Helper()
	cmd := exec.Command(k.binary, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended by itself
		late := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // ended by our signal, which is an error to Wait
		late.Stop()
	})
}

// sidecar starts Consul's proxy for a service and returns where it listens.
func (k *cluster) sidecar(id service.ID, app string) string {
	k.t.Helper()
	addr := fmt.Sprintf("127.0.0.1:%d", freePorts(k.t, 1)[0])
	k.run(k.t.TempDir(), io.Discard, "connect", "proxy", "-http-addr="+k.addr, "-token="+management,
		"-service="+string(id), "-service-addr="+app, "-listen="+addr)
	k.eventually("the sidecar", 20*time.Second, func() error {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			err = conn.Close()
		}
		return err
	})
	return addr
}

func (k *cluster) open() *Client {
	k.t.Helper()
	c, err := Open(k.t.Context(), Options{Address: k.addr, Token: k.token}, hclog.NewNullLogger())
	if err != nil {
		k.t.Fatal(err)
	}
	return c
}

func (k *cluster) eventually(what string, limit time.Duration, try func() error) {
	k.t.Helper()
	deadline, tick := time.Now().Add(limit), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			k.t.Fatalf("waited in vain for %s: %v", what, err)
		}
		<-tick.C
	}
}

func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }() // a listener of no calls
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

func hello(t *testing.T) *httptest.Server {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	t.Cleanup(app.Close)
	return app
}
