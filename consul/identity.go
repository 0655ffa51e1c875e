package consul

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/consul/api"

	"github.com/dynsvc/dynsvc/service"
)

// leaf is a certificate of ours and the private key to it.
type leaf struct {
	cert    *tls.Certificate
	scope   string // path of our identity up to the service's name: /ns/default/dc/dc1/svc/
	issued  time.Time
	expires time.Time
}

// newLeaf reads a leaf certificate issued for the service name.
func newLeaf(from *api.LeafCert, name string) (*leaf, error) {
	cert, err := tls.X509KeyPair([]byte(from.CertPEM), []byte(from.PrivateKeyPEM))
	if err != nil {
		return nil, fmt.Errorf("leaf certificate for %s: %w", name, err)
	}
	uri, err := identityOf(cert.Leaf)
	if err != nil {
		return nil, fmt.Errorf("leaf certificate for %s: %w", name, err)
	}
	scope, ok := strings.CutSuffix(uri.Path, "/svc/"+name)
	if !ok {
		return nil, fmt.Errorf("leaf certificate for %s: it was issued for %s", name, uri)
	}
	return &leaf{cert: &cert, scope: scope + "/svc/", issued: cert.Leaf.NotBefore, expires: cert.Leaf.NotAfter}, nil
}

// trust is whom to believe: the mesh's trust domain and its roots, of which
// there are several while they are rotated.
type trust struct {
	domain string
	roots  *x509.CertPool
	pems   []string // sorted; two trusts with the same domain and pems are one
}

func newTrust(from *api.CARootList) (*trust, error) {
	if from.TrustDomain == "" || len(from.Roots) == 0 {
		return nil, fmt.Errorf("roots of the mesh: consul has no certificate authority yet")
	}
	t := &trust{domain: from.TrustDomain, roots: x509.NewCertPool()}
	for _, root := range from.Roots {
		if !t.roots.AppendCertsFromPEM([]byte(root.RootCertPEM)) {
			return nil, fmt.Errorf("roots of the mesh: root %s holds no certificate that can be read", root.ID)
		}
		t.pems = append(t.pems, root.RootCertPEM)
	}
	slices.Sort(t.pems)
	return t, nil
}

func (t *trust) same(as *trust) bool {
	return t != nil && as != nil && t.domain == as.domain && slices.Equal(t.pems, as.pems)
}

// verify proves that a certificate chain was issued by the mesh to the service
// with exactly the identity want. Host names mean nothing in the mesh.
func (t *trust) verify(chain []*x509.Certificate, want string, now time.Time) error {
	if len(chain) == 0 {
		return service.Errorf(service.ErrDenied, "the other side showed no certificate")
	}
	intermediates := x509.NewCertPool()
	for _, cert := range chain[1:] {
		intermediates.AddCert(cert)
	}
	got, err := identityOf(chain[0])
	if err != nil {
		return service.Errorf(service.ErrDenied, "the other side is not %s: %w", want, err)
	}
	_, err = chain[0].Verify(x509.VerifyOptions{
		Roots:         t.roots,
		Intermediates: intermediates,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		CurrentTime:   now,
	})
	if err != nil {
		return service.Errorf(service.ErrDenied, "the other side says that it is %s, and its certificate is not good: %w", got, err)
	}
	if got.String() != want {
		return service.Errorf(service.ErrDenied, "the other side is %s, expected %s", got, want)
	}
	return nil
}

// identityOf returns the one SPIFFE URI of a mesh certificate.
func identityOf(cert *x509.Certificate) (*url.URL, error) {
	switch {
	case len(cert.URIs) == 0:
		return nil, fmt.Errorf("its certificate (subject %q) carries no mesh identity", cert.Subject.String())
	case len(cert.URIs) > 1:
		return nil, fmt.Errorf("its certificate carries %d identities, and one is allowed", len(cert.URIs))
	case cert.URIs[0].Scheme != "spiffe":
		return nil, fmt.Errorf("its certificate carries %s, which is no mesh identity", cert.URIs[0])
	}
	return cert.URIs[0], nil
}
