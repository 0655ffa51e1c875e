package nomad

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/nomad/api"
)

// newClient returns a client of at most so many connections. A header that does
// not come within wait is an error; zero waits for ever.
func newClient(opts Options, connections int, wait time.Duration) (*api.Client, error) {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		MaxConnsPerHost:       connections,
		MaxIdleConns:          connections,
		MaxIdleConnsPerHost:   connections,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: wait,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if u, err := url.Parse(opts.Address); err == nil && u.Scheme == "unix" {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", u.Path)
		}
	}
	client := &http.Client{Transport: transport}
	err := api.ConfigureTLS(client, &api.TLSConfig{
		CACert: opts.TLS.CAFile, ClientCert: opts.TLS.CertFile, ClientKey: opts.TLS.KeyFile, TLSServerName: opts.TLS.ServerName,
	})
	if err != nil {
		return nil, err
	}
	return api.NewClient(&api.Config{
		Address: opts.Address, Region: opts.Region, Namespace: opts.Namespace, SecretID: opts.Token, HttpClient: client,
	})
}
