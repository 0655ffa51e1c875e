package main

import (
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
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// writePair makes a self-signed certificate with a serial number.
func writePair(t *testing.T, dir string, serial int64) (certFile, keyFile string, cert *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "dynsvc"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return certFile, keyFile, cert
}

func TestTheAgentSpeaksHTTP2OverTLSAndRenewsItsCertificate(t *testing.T) {
	for _, slow := range []bool{false, true} {
		t.Run(fmt.Sprintf("fast_lane=%t", !slow), func(t *testing.T) { speaksTLS(t, slow) })
	}
}

func speaksTLS(t *testing.T, slow bool) {
	t.Helper()
	dir := t.TempDir()
	certFile, keyFile, first := writePair(t, dir, 1)
	if _, err := openCertificate(filepath.Join(dir, "none.pem"), keyFile, hclog.NewNullLogger()); err == nil {
		t.Error("a file that is not there was taken")
	}
	c, err := openCertificate(certFile, keyFile, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	says := func(by string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-Proto", r.Proto+by) })
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := front{certificate: c, slow: slow, connections: 2}
	srv := f.serve(says(""), says(" in the lane"), l, hclog.NewNullLogger())
	defer func() {
		if err := srv.shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-srv.failed; !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	}()
	ask := func(trust *x509.Certificate, protocols ...string) (proto string, serial int64) {
		t.Helper()
		roots := x509.NewCertPool()
		roots.AddCert(trust)
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, NextProtos: protocols}, ForceAttemptHTTP2: len(protocols) == 0}
		defer transport.CloseIdleConnections()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+l.Addr().String()+"/svc/M", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := (&http.Client{Transport: transport}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.Header.Get("X-Proto"), res.TLS.PeerCertificates[0].SerialNumber.Int64()
	}
	if got, _ := ask(first); got != "HTTP/2.0" {
		t.Errorf("a caller that can speaks %s", got)
	}
	want := "HTTP/1.1 in the lane"
	if slow {
		want = "HTTP/1.1"
	}
	if got, _ := ask(first, "http/1.1"); got != want {
		t.Errorf("a caller that cannot speaks %s", got)
	}
	_, _, second := writePair(t, dir, 2)
	later := time.Now().Add(time.Minute)
	for _, name := range []string{certFile, keyFile} {
		if err := os.Chtimes(name, later, later); err != nil {
			t.Fatal(err)
		}
	}
	c.mu.Lock()
	c.looked = time.Time{} // ten seconds later
	c.mu.Unlock()
	if _, got := ask(second); got != 2 {
		t.Errorf("certificate %d after it was renewed", got)
	}
	// Half of a new pair is not taken.
	if err := os.WriteFile(keyFile, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	c.looked = time.Time{}
	c.mu.Unlock()
	if _, got := ask(second); got != 2 {
		t.Errorf("certificate %d while it is being replaced", got)
	}
}
