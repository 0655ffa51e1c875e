//go:build e2e

package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// TestHTTP2OnBothSides has an agent that speaks TLS and a service that asks for
// HTTP/2: its callers are browsers and programs of either protocol. A browser gets a
// page while the service starts. When the agent is told to stop, it goes on for
// its stop_delay, and only then refuses calls.
func TestHTTP2OnBothSides(t *testing.T) {
	t.Parallel()
	a := newTLSAgent(t, plain, `stop_delay = "3s"`)
	m := container(t, "Fronted", "protocol = \"h2c\"\n env = { START_DELAY = \"1s\" }", `idle_after = "5m"`)
	m.top = `wait = "page"`
	v := a.register(m)

	page, err := a.browse(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	if page.status != http.StatusServiceUnavailable || !strings.Contains(string(page.body), "Fronted 1.0.0 is starting") || page.header.Get("Retry-After") != "1" {
		t.Errorf("a browser got %d, Retry-After %q: %.500s", page.status, page.header.Get("Retry-After"), page.body)
	}
	waitFor(t, "the page to be the service's", 60*time.Second, func(ctx context.Context) error {
		if page, err = a.browse(ctx, v); err == nil && page.status != http.StatusOK {
			err = fmt.Errorf("status %d: %.300s", page.status, page.body)
		}
		return err
	})
	wantOneAllocation(t, v)
	if got := proto(t, page.body); got != "HTTP/2.0" {
		t.Errorf("the service was asked over %s, want what its manifest says", got)
	}
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		spoke, body := a.speak(v, protocol)
		if spoke != protocol {
			t.Errorf("a caller that speaks %s was answered over %s", protocol, spoke)
		}
		if got := proto(t, body); got != "HTTP/2.0" {
			t.Errorf("a call over %s reached the service over %s", protocol, got)
		}
	}

	var slow answer
	var slowErr error
	var open sync.WaitGroup
	open.Go(func() { slow, slowErr = a.get(t.Context(), v, "/slow?ms=2000") })
	waitFor(t, "the slow call to be in flight", 10*time.Second, func(context.Context) error {
		if n := a.status(v).Load.InFlight; n != 1 {
			return fmt.Errorf("%d are", n)
		}
		return nil
	})
	a.signal(syscall.SIGTERM)
	waitFor(t, "the agent to say that it stops", 10*time.Second, func(ctx context.Context) error {
		if err := answersTo(ctx, a.client, a.url+"/readyz"); err == nil || !strings.Contains(err.Error(), "503") {
			return fmt.Errorf("it says %w", errors.Join(err, errors.New("not 503")))
		}
		return nil
	})
	if r, err := a.get(t.Context(), v, "/"); r.good(err) != nil {
		t.Errorf("a call within the stop_delay: %v", r.good(err))
	}
	open.Wait()
	if err := slow.good(slowErr); err != nil {
		t.Errorf("the call that was in flight: %v", err)
	}
	if err := a.wait(40 * time.Second); err != nil {
		t.Errorf("the agent ended with %v, want exit code 0", err)
	}
}

// TestAnInstanceThatIsStoppedAnswersTheCallsItHas has Nomad replace an instance
// whose call takes longer than the delay in which Nomad lets it be forgotten: the
// service's stop_grace is for that.
func TestAnInstanceThatIsStoppedAnswersTheCallsItHas(t *testing.T) {
	t.Parallel()
	a := newAgent(t, plain)
	v := a.register(program("Graceful", `stop_grace = "20s"`, "max = 1\n idle_after = \"5m\""))
	said, _ := a.calls(v)
	var slow answer
	var slowErr error
	var open sync.WaitGroup
	open.Go(func() { slow, slowErr = a.get(t.Context(), v, "/slow?ms=9000") }) // shutdown_delay is 5 s
	waitFor(t, "the slow call to be in flight", 10*time.Second, func(context.Context) error {
		if n := a.status(v).Load.InFlight; n != 1 {
			return fmt.Errorf("%d are", n)
		}
		return nil
	})
	alloc, _, err := servers.Nomad.Allocations().Info(said.Facts.Alloc, query(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := servers.Nomad.Allocations().Stop(alloc, query(t.Context())); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "calls to reach the next instance", 60*time.Second, func(ctx context.Context) error {
		next, _, err := a.said(ctx, v)
		if err != nil {
			t.Errorf("a call while the instance is replaced: %v", err)
		} else if next.Facts.Alloc == alloc.ID {
			err = errors.New("it is the first one still")
		}
		return err
	})
	open.Wait()
	if err := slow.good(slowErr); err != nil {
		t.Errorf("the call that the stopped instance had: %v", err)
	}
	if !strings.Contains(string(slow.body), alloc.ID) {
		t.Errorf("it was answered by another instance: %s", slow.body)
	}
}

// newTLSAgent is newAgent for one that speaks TLS with a certificate of its own, and
// has further lines in its gateway block.
func newTLSAgent(t *testing.T, jobs, lines string) *agent {
	t.Helper()
	a := unstarted(t)
	a.url = "https://" + a.addr
	key, roots := a.certify()
	a.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}}
	a.open(fmt.Sprintf("%s\ngateway {\n  %s\n  tls {\n    cert_file = %q\n    key_file = %q\n  }\n}\n", jobs, lines, a.certificate, key))
	return a
}

// certify makes the agent's certificate.
func (a *agent) certify() (keyFile string, roots *x509.CertPool) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "dynsvc"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		a.t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	a.certificate, keyFile = filepath.Join(a.dir, "cert.pem"), filepath.Join(a.dir, "key.pem")
	pair := map[string]*pem.Block{a.certificate: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: text}}
	for name, block := range pair {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	roots = x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem.EncodeToMemory(pair[a.certificate])) {
		a.t.Fatal("the certificate is none")
	}
	return keyFile, roots
}

// browse asks as a browser does.
func (a *agent) browse(ctx context.Context, v service.Version) (answer, error) {
	return a.ask(ctx, a.client, v, http.Header{"Accept": {"text/html,application/xhtml+xml,*/*;q=0.8"}})
}

// speak calls over one protocol and returns the one that was agreed on.
func (a *agent) speak(v service.Version, protocol string) (spoke string, body []byte) {
	a.t.Helper()
	roots := a.client.Transport.(*http.Transport).TLSClientConfig.RootCAs
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, Protocols: &http.Protocols{}}
	transport.Protocols.SetHTTP1(protocol == "HTTP/1.1")
	transport.Protocols.SetHTTP2(protocol == "HTTP/2.0")
	defer transport.CloseIdleConnections()
	r, err := a.ask(a.t.Context(), &http.Client{Transport: transport}, v, nil)
	if err := r.good(err); err != nil {
		a.t.Fatalf("a call over %s: %v", protocol, err)
	}
	return r.proto, r.body
}

// ask gets the service's first page.
func (a *agent) ask(ctx context.Context, client *http.Client, v service.Version, header http.Header) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url+"/svc/"+v.Module+"@"+string(v.ID)+"/", http.NoBody)
	if err != nil {
		return answer{}, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	res, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	body, err := io.ReadAll(res.Body)
	return answer{status: res.StatusCode, proto: res.Proto, header: res.Header, body: body}, errors.Join(err, res.Body.Close())
}

// proto is over which protocol the echo program was asked.
func proto(t *testing.T, body []byte) string {
	t.Helper()
	var facts struct{ Proto string }
	if err := json.Unmarshal(body, &facts); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return facts.Proto
}
