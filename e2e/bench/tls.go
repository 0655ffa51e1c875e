package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// certFile has certificate and key, in the folder of the run.
const certFile = "tls.pem"

// tlsConfigs are those of the peers that speak TLS to their callers, with the cipher
// that Go's implementation chooses on processors that have AES.
var tlsConfigs = map[string]string{
	"caddy": strings.NewReplacer("http://LISTEN", "https://LISTEN", "bind 127.0.0.1", "bind 127.0.0.1\n\ttls DIR/tls.pem DIR/tls.pem",
		"auto_https off", "auto_https off\n\tdefault_sni 127.0.0.1").Replace(peerConfigs["caddy"]),
	"haproxy": strings.NewReplacer("bind LISTEN", "bind LISTEN ssl crt DIR/tls.pem",
		"maxconn 4096", "maxconn 4096\n  ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256").Replace(peerConfigs["haproxy"]),
	"nginx": strings.Replace(peerConfigs["nginx"], "listen LISTEN;",
		"listen LISTEN ssl;\n    ssl_certificate DIR/tls.pem;\n    ssl_certificate_key DIR/tls.pem;\n    ssl_protocols TLSv1.3;\n    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;", 1),
}

// tls is a call over TLS to a running service: connections are kept, so it is what the
// records cost, not the handshakes. All show the same certificate. The same agent without
// the lane takes its turns, too.
func (b *bench) tls(ctx context.Context) error {
	if err := b.certify(); err != nil {
		return err
	}
	file := filepath.Join(b.dir, certFile)
	targets := map[string]*target{}
	var backend string
	for name, lane := range map[string]bool{"tls": true, "tls_nolane": false} {
		// Nomad does not trust the certificate: it fetches the module through this.
		var agentURL *url.URL
		plain := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(agentURL) }})
		defer plain.Close()
		a, err := b.startAgentAt(ctx, name, "https://", "", "  drivers = [\"raw_exec\"]",
			fmt.Sprintf("url = %q\ngateway {\n  fast_lane = %t\n  tls {\n    cert_file = %q\n    key_file = %q\n  }\n}", plain.URL, lane, file, file))
		if err != nil {
			return err
		}
		defer a.stop()
		if agentURL, err = url.Parse(a.url); err != nil {
			return err
		}
		id, err := b.coldService(ctx, a, name, `command = "./answer"`)
		if err != nil {
			return err
		}
		targets[name] = &target{a.url + "/svc/" + name, a.process}
		if _, _, err := firstByte(ctx, targets[name].url); err != nil {
			return fmt.Errorf("%w; log of the agent: %s", err, a.log)
		}
		var detail struct{ State service.State }
		if err := a.api(ctx, http.MethodGet, "/api/v1/services/"+string(id), nil, &detail); err != nil {
			return err
		}
		if len(detail.State.Endpoints) != 1 {
			return fmt.Errorf("%d endpoints, want 1", len(detail.State.Endpoints))
		}
		backend = detail.State.Endpoints[0].Addr
	}
	peers, stop, err := b.peersBefore(ctx, backend, "/", tlsConfigs)
	if err != nil {
		return err
	}
	defer stop()
	for name, t := range peers {
		targets[name] = t
	}
	return b.besidePeers(ctx, "tls", "tls_nolane", targets)
}

// certify makes the certificate that all show, and has this program and its children
// trust it.
func (b *bench) certify() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	file := filepath.Join(b.dir, certFile)
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	if err := errors.Join(os.WriteFile(file, text, 0o600), os.Setenv("SSL_CERT_FILE", file)); err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return errors.New("the certificate is none")
	}
	http.DefaultTransport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
	return nil
}
