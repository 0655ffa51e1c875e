package main

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// certificate is the one that the agent shows its callers. It is read again when
// its files change, so that renewing it takes no restart.
type certificate struct {
	certFile, keyFile string
	log               hclog.Logger

	mu     sync.Mutex // guards what follows
	pair   *tls.Certificate
	read   time.Time // newest of both files when they were read
	looked time.Time
}

// certificateLook is how often the files are looked at, at most.
const certificateLook = 10 * time.Second

// openCertificate reads it for the first time.
func openCertificate(certFile, keyFile string, log hclog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	if err := c.load(time.Now()); err != nil {
		return nil, fmt.Errorf("gateway.tls: %w", err)
	}
	return c, nil
}

// load reads the files if they are newer than what was read; mu is held, or
// nobody else has the certificate yet.
func (c *certificate) load(now time.Time) error {
	c.looked = now
	var newest time.Time
	for _, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		if info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	if c.pair != nil && newest.Equal(c.read) {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.pair, c.read = &pair, newest
	return nil
}

// config is for a server that shows the certificate.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			if now := time.Now(); now.Sub(c.looked) >= certificateLook {
				if err := c.load(now); err != nil { // half of a pair, as it is being replaced
					c.log.Warn("could not read the certificate again; showing the one from before", "error", err)
				}
			}
			return c.pair, nil
		},
	}
}
