//go:build e2e

package consul

import (
	"context"
	"crypto/tls"
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
	"slices"
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

func startCluster(t *testing.T, acl bool) *cluster {
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

func TestRealMesh(t *testing.T) {
	for name, acl := range map[string]bool{"default allow": false, "ACL, default deny": true} {
		t.Run(name, func(t *testing.T) {
			k := startCluster(t, acl)
			c := k.open()
			if open, err := c.openByDefault(t.Context()); err != nil || open == acl {
				t.Errorf("open by default = %v, %v, want %v", open, err, !acl)
			}
			if err := c.EnsureIntentions(t.Context(), []service.ID{echo}); err != nil {
				t.Fatal(err)
			}
			addr := k.sidecar(echo, strings.TrimPrefix(hello(t).URL, "http://"))
			d := running(t, c)
			ready(t, d)
			works := func() error {
				got, err := call(t, d, echo, addr)
				if err == nil && got != "hello" {
					err = fmt.Errorf("answer %q", got)
				}
				return err
			}
			k.eventually("a call through the mesh", 20*time.Second, works)

			t.Run("handshakes", func(t *testing.T) {
				var took []time.Duration
				for range 50 {
					start := time.Now()
					conn, err := d.DialContext(t.Context(), echo, addr)
					if err != nil {
						t.Fatal(err)
					}
					took = append(took, time.Since(start))
					state := conn.(*tls.Conn).ConnectionState()
					if state.Version != tls.VersionTLS13 {
						t.Errorf("TLS version %x", state.Version)
					}
					_ = conn.Close() // nothing was written
				}
				slices.Sort(took)
				t.Logf("dial with handshake: p50 %s, slowest %s", took[25], took[49])
			})
			t.Run("another service at that address", func(t *testing.T) {
				_, err := d.DialContext(t.Context(), "dyn-other-0a1b2c3d", addr)
				if !errors.Is(err, service.ErrDenied) || !strings.Contains(err.Error(), "/svc/"+string(echo)) {
					t.Errorf("error = %v, want who answered instead", err)
				}
				t.Log(err)
			})
			t.Run("without a certificate", func(t *testing.T) {
				config := d.config(echo)
				config.GetClientCertificate = nil
				t.Log(refused(t, addr, config))
			})
			t.Run("with another service's certificate", func(t *testing.T) {
				leaf, _, err := k.admin.Agent().ConnectCALeaf("web", nil)
				if err != nil {
					t.Fatal(err)
				}
				config, pair := d.config(echo), keyPair(t, leaf)
				config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
				err = refused(t, addr, config)
				t.Log(err)
				// It was the intention: once an operator lets web in, the same certificate does.
				ixn := &api.Intention{SourceName: "web", DestinationName: string(echo), Action: api.IntentionActionAllow}
				if _, err := k.admin.Connect().IntentionUpsert(ixn, nil); err != nil {
					t.Fatal(err)
				}
				k.eventually("web to be let in", 10*time.Second, func() error {
					answer, err := exchange(addr, config)
					if err == nil && !strings.HasSuffix(answer, "hello") {
						err = fmt.Errorf("answer %q", answer)
					}
					return err
				})
			})
			t.Run("plain HTTP", func(t *testing.T) {
				response, err := http.Get("http://" + addr)
				if err == nil {
					_ = response.Body.Close() // its arrival is the fault
					t.Error("the sidecar took a call without TLS")
				}
				t.Log(err)
			})
			t.Run("intentions", func(t *testing.T) { realIntentions(t, k, c) })
			t.Run("rotation of the roots", func(t *testing.T) { realRotation(t, k, d, works) })
		})
	}
}

// refused makes a call that must not arrive and returns how it ended.
func refused(t *testing.T, addr string, config *tls.Config) error {
	t.Helper()
	answer, err := exchange(addr, config)
	if answer != "" || err == nil {
		t.Errorf("the call was not refused: %s", answer)
	}
	return err
}

func exchange(addr string, config *tls.Config) (answer string, err error) {
	conn, err := tls.Dial("tcp", addr, config)
	if err != nil {
		return "", fmt.Errorf("in the handshake: %w", err)
	}
	defer func() { _ = conn.Close() }() // read to its end
	if _, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		return "", fmt.Errorf("at the first write: %w", err)
	}
	all, err := io.ReadAll(conn)
	if err != nil {
		return string(all), fmt.Errorf("at the first read: %w", err)
	}
	return string(all), nil
}

func realIntentions(t *testing.T, k *cluster, c *Client) {
	const id = "dyn-guarded-0a1b2c3d"
	may := func(source string) bool {
		ok, _, err := k.admin.Connect().IntentionCheck(&api.IntentionCheck{Source: source, Destination: id}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	// The operator lets everyone call everything, and one more call this service.
	for _, ixn := range []*api.Intention{
		{SourceName: "*", DestinationName: "*", Action: api.IntentionActionAllow},
		{SourceName: "console", DestinationName: id, Action: api.IntentionActionAllow},
	} {
		if _, err := k.admin.Connect().IntentionUpsert(ixn, nil); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if _, err := k.admin.Connect().IntentionDeleteExact(ixn.SourceName, ixn.DestinationName, nil); err != nil {
				t.Error(err)
			}
		})
	}
	for range 2 {
		if err := c.Allow(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if !may(GatewayName) || !may("console") || may("web") {
		t.Errorf("after Allow: gateway %v, console %v, web %v, want true, true, false", may(GatewayName), may("console"), may("web"))
	}
	if err := c.Forget(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	entry, _, err := k.admin.ConfigEntries().Get(api.ServiceIntentions, id, nil)
	if err != nil {
		t.Fatal(err)
	}
	if left := entry.(*api.ServiceIntentionsConfigEntry).Sources; len(left) != 1 || left[0].Name != "console" {
		t.Errorf("after Forget: %v, want the operator's source alone", left)
	}
	if err := c.Forget(t.Context(), "dyn-never-0a1b2c3d"); err != nil {
		t.Error(err)
	}
}

func realRotation(t *testing.T, k *cluster, d *Dialer, works func() error) {
	changed, generation := d.Changed(), d.Generation()
	d.mu.RLock()
	before := d.leaf.cert.Leaf
	d.mu.RUnlock()
	config, _, err := k.admin.Connect().CAGetConfig(nil)
	if err != nil {
		t.Fatal(err)
	}
	// Another key type makes a new root.
	config.Config["PrivateKeyType"], config.Config["PrivateKeyBits"] = "ec", 384
	start := time.Now()
	if _, err := k.admin.Connect().CASetConfig(config, nil); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
		t.Logf("roots known after %s, generation %d to %d", time.Since(start), generation, d.Generation())
	case <-time.After(30 * time.Second):
		t.Fatal("the new root was not noticed")
	}
	calls, failures := 0, 0
	k.eventually("a certificate from the new root", 60*time.Second, func() error {
		calls++
		if err := works(); err != nil {
			failures++
			t.Logf("call %d, %s after the rotation: %v", calls, time.Since(start), err)
		}
		d.mu.RLock()
		defer d.mu.RUnlock()
		if d.leaf.cert.Leaf.Equal(before) {
			return errors.New("still the old one")
		}
		return nil
	})
	t.Logf("leaf renewed after %s; %d calls meanwhile, %d failed", time.Since(start), calls, failures)
	if failures > 0 {
		t.Errorf("%d of %d calls failed while the roots were rotated", failures, calls)
	}
	if err := works(); err != nil {
		t.Error(err)
	}
}

func TestRealHealth(t *testing.T) {
	k := startCluster(t, true)
	c := k.open()
	got := watchHealth(t, c)
	want := func(state string, want service.Check) {
		t.Helper()
		start, limit := time.Now(), time.After(20*time.Second)
		for {
			select {
			case m := <-got:
				is, seen := m[echo][allocA]
				if seen && is == want {
					t.Logf("%s: %q after %s", state, is, time.Since(start))
					return
				}
			case <-limit:
				t.Fatalf("%s: not reported", state)
			}
		}
	}
	app := hello(t)
	target := strings.TrimPrefix(app.URL, "http://")
	app.Close()
	instance := taskPrefix + allocA + "-group-app-" + string(echo) + "-http"
	// As Nomad registers a job with a sidecar and disable_default_tcp_check.
	err := k.admin.Agent().ServiceRegister(&api.AgentServiceRegistration{
		ID: instance, Name: string(echo), Address: "127.0.0.1", Port: 1,
		Check: &api.AgentServiceCheck{HTTP: "http://" + target, Interval: "1s"},
		Connect: &api.AgentServiceConnect{SidecarService: &api.AgentServiceRegistration{
			Port: 2, Checks: api.AgentServiceChecks{{Name: "Connect Sidecar Aliasing", AliasService: instance}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want("registered, nothing listens yet", service.Unknown)
	listener, err := net.Listen("tcp", target)
	if err != nil {
		t.Fatal(err)
	}
	back := &http.Server{Handler: app.Config.Handler, ReadHeaderTimeout: time.Second}
	served := make(chan error)
	go func() { served <- back.Serve(listener) }()
	want("the program listens", service.Passing)
	if err := back.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	want("the program went", service.Critical)
}

func TestRealRegistration(t *testing.T) {
	k := startCluster(t, true)
	c := k.open()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- c.RegisterGateway(ctx, Registration{Address: "127.0.0.1", Port: 8080, Meta: map[string]string{"version": "test"}}, func() error { return nil })
	}()
	registered := func() error {
		entries, _, err := k.admin.Health().Service(GatewayName, "", true, nil)
		if err == nil && len(entries) != 1 {
			err = fmt.Errorf("%d passing gateways", len(entries))
		}
		return err
	}
	k.eventually("the gateway in the catalog", 10*time.Second, registered)
	if err := k.admin.Agent().ServiceDeregister(GatewayName + "-127.0.0.1:8080"); err != nil {
		t.Fatal(err)
	}
	k.eventually("the gateway to register again", 20*time.Second, registered)
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	k.eventually("the catalog without the gateway", 10*time.Second, func() error {
		if registered() == nil {
			return errors.New("it is still there")
		}
		return nil
	})
}

func TestRealTokenThatIsRefused(t *testing.T) {
	k := startCluster(t, true)
	k.token = "5a5a5a5a-0000-4000-8000-00000000dead"
	c := k.open() // answering is not refusing: the token is judged by what it is used for
	d := running(t, c)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := d.Ready(ctx); !errors.Is(err, service.ErrDenied) {
		t.Errorf("Ready = %v, want ErrDenied", err)
	} else {
		t.Log(err)
	}
	if err := c.Allow(t.Context(), echo); !errors.Is(err, service.ErrDenied) {
		t.Errorf("Allow = %v, want ErrDenied", err)
	} else {
		t.Log(err)
	}
}
