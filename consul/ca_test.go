package consul

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/url"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
)

const testDomain = "11111111-2222-3333-4444-555555555555.consul"

// authority is a certificate authority like Consul's.
type authority struct {
	t      *testing.T
	domain string
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	pem    string
}

func newAuthority(t *testing.T, domain string) *authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: serial(t), Subject: pkix.Name{CommonName: "test CA"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour),
		URIs: []*url.URL{{Scheme: "spiffe", Host: domain}},
	}
	a := &authority{t: t, domain: domain, key: newKey(t)}
	a.cert, a.pem = sign(t, template, template, a.key, a.key)
	return a
}

// intermediate returns an authority that a vouches for.
func (a *authority) intermediate() *authority {
	a.t.Helper()
	key := newKey(a.t)
	sub := &authority{t: a.t, domain: a.domain, key: key}
	sub.cert, sub.pem = sign(a.t, &x509.Certificate{
		SerialNumber: serial(a.t), Subject: pkix.Name{CommonName: "test intermediate"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour),
	}, a.cert, key, a.key)
	return sub
}

func (a *authority) uri(name string) string {
	return "spiffe://" + a.domain + "/ns/default/dc/dc1/svc/" + name
}

// leaf issues a certificate in the form that Consul's API has.
func (a *authority) leaf(name string, change ...func(*x509.Certificate)) *api.LeafCert {
	a.t.Helper()
	uri, err := url.Parse(a.uri(name))
	if err != nil {
		a.t.Fatal(err)
	}
	key := newKey(a.t)
	template := &x509.Certificate{
		SerialNumber: serial(a.t), URIs: []*url.URL{uri},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		NotBefore:   time.Now().Add(-time.Minute), NotAfter: time.Now().Add(72 * time.Hour),
	}
	for _, f := range change {
		f(template)
	}
	_, certPEM := sign(a.t, template, a.cert, key, a.key)
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return &api.LeafCert{
		CertPEM: certPEM, PrivateKeyPEM: string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})),
		Service: name, ServiceURI: uri.String(), ValidAfter: template.NotBefore, ValidBefore: template.NotAfter,
	}
}

// server issues what an instance shows, with intermediates behind it.
func (a *authority) server(name string, change ...func(*x509.Certificate)) tls.Certificate {
	a.t.Helper()
	return keyPair(a.t, a.leaf(name, change...))
}

func keyPair(t *testing.T, l *api.LeafCert) tls.Certificate {
	t.Helper()
	cert, err := tls.X509KeyPair([]byte(l.CertPEM), []byte(l.PrivateKeyPEM))
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func expired(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Second) }

// rootList is what Consul answers with these roots, the first of them active.
func rootList(domain string, roots ...*authority) *api.CARootList {
	list := &api.CARootList{TrustDomain: domain}
	for i, a := range roots {
		list.Roots = append(list.Roots, &api.CARoot{ID: a.cert.SerialNumber.String(), RootCertPEM: a.pem, Active: i == 0})
	}
	return list
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func serial(t *testing.T) *big.Int {
	t.Helper()
	n, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func sign(t *testing.T, template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) (*x509.Certificate, string) {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
