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
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"

	"github.com/dynsvc/dynsvc/service"
)

func TestRealMesh(t *testing.T) {
	for name, acl := range map[string]bool{"default allow": false, "ACL, default deny": true} {
		t.Run(name, func(t *testing.T) {
			k := startCluster(t, acl)
			c := k.open()
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

func TestRealDefault(t *testing.T) {
	tests := []struct {
		name, more string
		acl, want  bool
	}{
		{"nothing set", "", false, true},
		{"ACL, default deny", "", true, false},
		{"intentions denied by default", `default_intention_policy = "deny"`, false, false},
		{"intentions allowed by default", `default_intention_policy = "allow"`, true, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := startCluster(t, test.acl, test.more).open()
			if open, err := c.openByDefault(); err != nil || open != test.want {
				t.Errorf("open by default = %v, %v, want %v", open, err, test.want)
			}
		})
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
