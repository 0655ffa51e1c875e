package consul

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
)

const echo = service.ID("dyn-echo-0a1b2c3d")

// instance is a sidecar and its service in one: TLS that asks for a
// certificate, and an answer that says who called.
func instance(t *testing.T, show tls.Certificate, roots *x509.CertPool) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.TLS.PeerCertificates[0].URIs[0].String()) // the caller checks what arrives
	}))
	server.TLS = &tls.Config{
		Certificates: []tls.Certificate{show}, ClientAuth: tls.RequireAnyClientCert,
		NextProtos: []string{"h2", "http/1.1"}, ClientCAs: roots,
		VerifyConnection: func(s tls.ConnectionState) error {
			_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
			return err
		},
	}
	server.Config.ErrorLog = hclog.NewNullLogger().StandardLogger(nil)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// running returns a dialer that keeps itself current against the fake.
func running(t *testing.T, c *Client) *Dialer {
	t.Helper()
	d := c.Dialer()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- d.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v after its end, want nil", err)
		}
	})
	return d
}

func ready(t *testing.T, d *Dialer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := d.Ready(ctx); err != nil {
		t.Fatal(err)
	}
}

// call makes one HTTP call over a connection of its own.
func call(t *testing.T, d *Dialer, id service.ID, addr string) (string, error) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, id, addr) },
	}}
	response, err := client.Get("http://ignored.example/")
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

func TestDialProvesTheOtherSide(t *testing.T) {
	ca, foreign, elsewhere := newAuthority(t, testDomain), newAuthority(t, testDomain), newAuthority(t, "elsewhere.consul")
	elsewhere.key, elsewhere.cert = ca.key, ca.cert // signed by a root that is trusted, for another trust domain
	sub := ca.intermediate()
	chained := sub.server(string(echo))
	chained.Certificate = append(chained.Certificate, sub.cert.Raw)
	otherDC := func(c *x509.Certificate) { c.URIs[0].Path = "/ns/default/dc/dc2/svc/" + string(echo) }
	otherNS := func(c *x509.Certificate) { c.URIs[0].Path = "/ns/team/dc/dc1/svc/" + string(echo) }
	noURI := func(c *x509.Certificate) { c.URIs, c.DNSNames = nil, []string{string(echo)} }
	twoURIs := func(c *x509.Certificate) {
		c.URIs = append(c.URIs, &url.URL{Scheme: "spiffe", Host: testDomain, Path: "/ns/default/dc/dc1/svc/dyn-evil-0a1b2c3d"})
	}
	web := func(c *x509.Certificate) { c.URIs[0].Scheme = "https" }
	clientOnly := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }

	tests := []struct {
		name string
		show tls.Certificate
		want string // in the error; empty: it works
	}{
		{"the service itself", ca.server(string(echo)), ""},
		{"signed by an intermediate that it shows", chained, ""},
		{"another service", ca.server("dyn-other-0a1b2c3d"), "the other side is " + ca.uri("dyn-other-0a1b2c3d") + ", expected " + ca.uri(string(echo))},
		{"a longer name", ca.server(string(echo) + "0"), "the other side is "},
		{"another datacenter", ca.server(string(echo), otherDC), "/dc/dc2/"},
		{"another namespace", ca.server(string(echo), otherNS), "/ns/team/"},
		{"another trust domain", elsewhere.server(string(echo)), "spiffe://elsewhere.consul/"},
		{"a root nobody knows", foreign.server(string(echo)), "its certificate is not good: x509: certificate signed by unknown authority"},
		{"an intermediate that it does not show", sub.server(string(echo)), "unknown authority"},
		{"expired", ca.server(string(echo), expired), "expired"},
		{"no identity, the right host name", ca.server(string(echo), noURI), "carries no mesh identity"},
		{"two identities", ca.server(string(echo), twoURIs), "2 identities"},
		{"a web address as identity", ca.server(string(echo), web), "which is no mesh identity"},
		{"not for servers", ca.server(string(echo), clientOnly), "incompatible key usage"},
	}
	f, c := newFake(t)
	f.set(func() { f.leaf, f.roots = ca.leaf(GatewayName), rootList(testDomain, ca) })
	d := running(t, c)
	ready(t, d)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			addr := instance(t, test.show, ca.pool())
			got, err := call(t, d, echo, addr)
			if test.want == "" {
				if err != nil || got != ca.uri(GatewayName) {
					t.Fatalf("call = %q, %v, want it to arrive from %s", got, err, ca.uri(GatewayName))
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want %q in it", err, test.want)
			}
			if !errors.Is(err, service.ErrDenied) {
				t.Errorf("error is not ErrDenied: %v", err)
			}
		})
	}
}

func TestDialOfWhatIsNoSidecar(t *testing.T) {
	ca := newAuthority(t, testDomain)
	f, c := newFake(t)
	f.set(func() { f.leaf, f.roots = ca.leaf(GatewayName), rootList(testDomain, ca) })
	d := running(t, c)
	ready(t, d)

	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	older := httptest.NewUnstartedServer(http.NotFoundHandler())
	older.TLS = &tls.Config{Certificates: []tls.Certificate{ca.server(string(echo))}, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	older.Config.ErrorLog = hclog.NewNullLogger().StandardLogger(nil)
	older.StartTLS()
	t.Cleanup(older.Close)

	for addr, want := range map[string]string{
		plain.Listener.Addr().String(): "does not speak TLS",
		nobody:                         "connection refused",
		older.Listener.Addr().String(): "dial dyn-echo-0a1b2c3d at",
	} {
		if _, err := d.DialContext(t.Context(), echo, addr); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want %q in it", err, want)
		}
	}

	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := d.DialContext(ctx, echo, silent.Addr().String()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a sidecar that says nothing: %v, want the caller's deadline", err)
	}
}

func TestRotationOfRootsAndLeaf(t *testing.T) {
	old, next := newAuthority(t, testDomain), newAuthority(t, testDomain)
	f, c := newFake(t)
	f.set(func() { f.leaf, f.roots = old.leaf(GatewayName), rootList(testDomain, old) })
	d := running(t, c)
	ready(t, d)
	both := old.pool()
	both.AddCert(next.cert)
	before, after := instance(t, old.server(string(echo)), both), instance(t, next.server(string(echo)), both)

	works := func(state, addr string, want bool) {
		t.Helper()
		if _, err := call(t, d, echo, addr); (err == nil) != want {
			t.Errorf("%s: error = %v, want success %v", state, err, want)
		}
	}
	rotate := func(roots ...*authority) {
		t.Helper()
		changed, generation := d.Changed(), d.Generation()
		f.set(func() { f.roots = rootList(testDomain, roots...) })
		select {
		case <-changed:
		case <-time.After(10 * time.Second):
			t.Fatal("the change of roots was not told")
		}
		if got := d.Generation(); got != generation+1 {
			t.Errorf("generation = %d after a change, want %d", got, generation+1)
		}
	}
	works("old root, old instance", before, true)
	works("old root, new instance", after, false)
	rotate(next, old)
	works("both roots, old instance", before, true)
	works("both roots, new instance", after, true)

	// The order of roots and a new leaf are no reason to drop connections.
	changed := d.Changed()
	renewed := next.leaf(GatewayName, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(100 * time.Hour).Truncate(time.Second) })
	f.set(func() { f.leaf, f.roots = renewed, rootList(testDomain, old, next) })
	waitFor(t, "the new leaf", func() bool { return d.Expiry().Equal(renewed.ValidBefore) })
	works("new leaf", after, true)
	select {
	case <-changed:
		t.Error("a change of roots was told, and there was none")
	default:
	}
	rotate(next)
	works("new root, old instance", before, false)
	works("new root, new instance", after, true)
}

func TestResumedSessionIsVerifiedAgain(t *testing.T) {
	ca, next := newAuthority(t, testDomain), newAuthority(t, testDomain)
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			f, c := newFake(t)
			f.set(func() { f.leaf, f.roots = ca.leaf(GatewayName), rootList(testDomain, ca) })
			d := running(t, c)
			ready(t, d)
			addr := instance(t, ca.server(string(echo)), ca.pool())
			sessions := tls.NewLRUClientSessionCache(4)
			resume := func(id service.ID) (bool, error) {
				config := d.config(id)
				config.ClientSessionCache, config.ServerName, config.MaxVersion = sessions, "shared", version
				conn, err := tls.Dial("tcp", addr, config)
				if err != nil {
					return false, err
				}
				defer func() { _ = conn.Close() }() // read to its end
				// The ticket comes with the answer.
				if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
					return false, err
				}
				_, err = io.ReadAll(conn)
				return conn.ConnectionState().DidResume, err
			}
			if resumed, err := resume(echo); err != nil || resumed {
				t.Fatalf("first: resumed %v, %v", resumed, err)
			}
			if resumed, err := resume(echo); err != nil || !resumed {
				t.Fatalf("second: resumed %v, %v, want a resumed session for the test to mean anything", resumed, err)
			}
			if _, err := resume("dyn-other-0a1b2c3d"); !errors.Is(err, service.ErrDenied) {
				t.Errorf("resumed for another service: %v, want ErrDenied", err)
			}
			// A resumption that was refused may have cost the ticket.
			if _, err := resume(echo); err != nil {
				t.Fatal(err)
			}
			changed := d.Changed()
			f.set(func() { f.roots = rootList(testDomain, next) })
			<-changed
			if _, err := resume(echo); !errors.Is(err, service.ErrDenied) {
				t.Errorf("resumed after its root was withdrawn: %v, want ErrDenied", err)
			}
		})
	}
	if config := (&Dialer{}).config(echo); config.ClientSessionCache != nil {
		t.Error("the dialer resumes sessions")
	}
}

func TestStartWithoutIdentity(t *testing.T) {
	ca := newAuthority(t, testDomain)
	f, c := newFake(t)
	f.set(func() { f.fail = http.StatusForbidden }) // a token that not every server knows yet
	d := running(t, c)

	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := d.DialContext(ctx, echo, "127.0.0.1:1")
	if !errors.Is(err, service.ErrDenied) || !strings.Contains(err.Error(), "check the ACL token") || !strings.Contains(err.Error(), c.address) {
		t.Errorf("error = %v, want the refusal of consul at %s", err, c.address)
	}
	if !d.Expiry().IsZero() {
		t.Errorf("Expiry() = %v without a certificate", d.Expiry())
	}
	f.set(func() { f.fail, f.leaf, f.roots = 0, ca.leaf(GatewayName), rootList(testDomain, ca) })
	ready(t, d)
	if err := d.Health(time.Now()); err != nil {
		t.Errorf("Health = %v, want nil", err)
	}
}

func TestHealthOfTheCertificate(t *testing.T) {
	ca := newAuthority(t, testDomain)
	now := time.Now().Truncate(time.Second)
	good := func(life time.Duration) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.NotBefore, c.NotAfter = now, now.Add(life) }
	}
	tests := []struct {
		name  string
		life  time.Duration
		after time.Duration
		want  string
	}{
		{"fresh", 72 * time.Hour, 0, ""},
		{"half its life", 72 * time.Hour, 36 * time.Hour, ""},
		{"an hour left", 72 * time.Hour, 71 * time.Hour, "runs out in 1h0m0s: consul did not issue a new one"},
		{"short-lived and fresh", time.Hour, time.Minute, ""},
		{"short-lived, six minutes left", time.Hour, 54 * time.Minute, "runs out in 6m0s"},
		{"ran out", time.Hour, 61 * time.Minute, "ran out 1m0s ago"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l, err := newLeaf(ca.leaf(GatewayName, good(test.life)), GatewayName)
			if err != nil {
				t.Fatal(err)
			}
			d := &Dialer{leaf: l, trust: &trust{}}
			err = d.Health(now.Add(test.after))
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("Health = %v, want %q", err, test.want)
			}
		})
	}
}

func TestDialWithAnExpiredLeaf(t *testing.T) {
	ca := newAuthority(t, testDomain)
	f, c := newFake(t)
	f.set(func() { f.leaf, f.roots = ca.leaf(GatewayName, expired), rootList(testDomain, ca) })
	d := running(t, c)
	ready(t, d)
	_, err := call(t, d, echo, instance(t, ca.server(string(echo)), ca.pool()))
	if !errors.Is(err, service.ErrUnavailable) || !strings.Contains(err.Error(), "the mesh certificate ran out") {
		t.Errorf("error = %v, want that our own certificate ran out", err)
	}
}

func TestRefusesWhatConsulShouldNotSend(t *testing.T) {
	ca := newAuthority(t, testDomain)
	if _, err := newLeaf(ca.leaf("web"), GatewayName); err == nil || !strings.Contains(err.Error(), "/svc/web") {
		t.Errorf("a leaf for another service: %v", err)
	}
	mixed := ca.leaf(GatewayName)
	mixed.PrivateKeyPEM = ca.leaf(GatewayName).PrivateKeyPEM
	if _, err := newLeaf(mixed, GatewayName); err == nil {
		t.Error("a leaf with another's key was taken")
	}
	for name, list := range map[string]*api.CARootList{
		"no roots": {TrustDomain: testDomain}, "no trust domain": {Roots: rootList("", ca).Roots},
		"not a certificate": {TrustDomain: testDomain, Roots: []*api.CARoot{{ID: "x", RootCertPEM: "nonsense"}}},
	} {
		if _, err := newTrust(list); err == nil {
			t.Errorf("%s: the roots were taken", name)
		}
	}
}

func TestDialsWhileEverythingRotates(t *testing.T) {
	ca := newAuthority(t, testDomain)
	f, c := newFake(t)
	f.set(func() { f.leaf, f.roots = ca.leaf(GatewayName), rootList(testDomain, ca) })
	d := running(t, c)
	ready(t, d)
	addr := instance(t, ca.server(string(echo)), ca.pool())
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			for range 20 {
				if got, err := call(t, d, echo, addr); err != nil || got != ca.uri(GatewayName) {
					t.Errorf("call = %q, %v", got, err)
				}
				_, _ = d.Health(time.Now()), d.Generation()
			}
		})
	}
	calls.Go(func() {
		for range 10 {
			extra, fresh := newAuthority(t, testDomain), ca.leaf(GatewayName)
			changed := d.Changed()
			f.set(func() { f.leaf, f.roots = fresh, rootList(testDomain, ca, extra) })
			<-changed
		}
	})
	calls.Wait()
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(10 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
