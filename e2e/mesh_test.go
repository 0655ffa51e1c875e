//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// TestOnlyTheGatewayGetsPastTheSidecar calls a running instance's sidecar without
// the gateway: who has no identity of the mesh, or another one, is refused.
func TestOnlyTheGatewayGetsPastTheSidecar(t *testing.T) {
	t.Parallel()
	a := newAgent(t, meshed())
	v := a.register(container(t, "Guarded", "", `idle_after = "1m"`))
	_, r := a.calls(v) // through the gateway, which passes
	wantColdStart(t, r)
	t.Logf("cold call: %s (%s)", r.took, r.header.Get("Server-Timing"))

	endpoints := a.status(v).State.Endpoints
	if len(endpoints) != 1 || endpoints[0].Transport != service.Mesh {
		t.Fatalf("endpoints = %+v, want one in the mesh", endpoints)
	}
	addr := endpoints[0].Addr
	for _, tt := range []struct {
		name string
		conf *tls.Config
	}{
		{"no certificate", &tls.Config{InsecureSkipVerify: true}},
		{"another service", &tls.Config{InsecureSkipVerify: true, Certificates: leaf(t, "some-other-service")}},
		{"itself", &tls.Config{InsecureSkipVerify: true, Certificates: leaf(t, string(v.ID))}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if status, err := knock(t.Context(), addr, tt.conf); err == nil {
				t.Errorf("was let in: %s", status)
			} else {
				t.Logf("refused: %v", err)
			}
		})
	}
	t.Run("no TLS", func(t *testing.T) {
		if err := answers(t.Context(), "http://"+addr+"/"); err == nil {
			t.Error("was let in")
		}
	})
	// The same way with the gateway's certificate: it was the identity that counted.
	if _, err := knock(t.Context(), addr, &tls.Config{InsecureSkipVerify: true, Certificates: leaf(t, "dynsvc-gateway")}); err != nil {
		t.Errorf("the gateway's identity was refused: %v", err)
	}
}

// leaf is a certificate of the mesh for a service.
func leaf(t *testing.T, name string) []tls.Certificate {
	t.Helper()
	got, _, err := servers.Consul.Agent().ConnectCALeaf(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := tls.X509KeyPair([]byte(got.CertPEM), []byte(got.PrivateKeyPEM))
	if err != nil {
		t.Fatal(err)
	}
	return []tls.Certificate{cert}
}

// knock makes a call over a connection of its own. With TLS 1.3 a refusal comes
// with the first read, not in the handshake.
func knock(ctx context.Context, addr string, conf *tls.Config) (status string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := (&tls.Dialer{Config: conf}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: service\r\nConnection: close\r\n\r\n"); err != nil {
		return "", err
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "", err
	}
	if res.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %s", res.Status)
	}
	return res.Status, errors.Join(err, res.Body.Close())
}
