package relay

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/dynsvc/dynsvc/upstream"
)

const (
	dialTimeout = 3 * time.Second
	// idleTimeout is below the time after which an agent closes a connection that
	// nobody uses.
	idleTimeout = 30 * time.Second
	idleConns   = 1024
	headLimit   = 1 << 20 // bytes of an answer's header
)

// leader is an agent that leads, and the connections to it. A leader that dies takes
// its idle connections with it; none of them must cost a call, so each is looked at
// before it is written to, which net/http does not do.
type leader struct {
	url     string
	scheme  string
	host    string // with a port
	pool    *upstream.Pool
	tunnels *http.Transport // for what is upgraded, each over a connection of its own
	streams *http.Transport // for HTTP/2
}

// at returns the leader at a URL; connections to another one are closed.
func (r *Relay) at(leaderURL string) (*leader, error) {
	old := r.leader.Load()
	if old != nil && old.url == leaderURL {
		return old, nil
	}
	u, err := url.Parse(leaderURL)
	if err != nil {
		return nil, fmt.Errorf("the agent that leads says it is at %q: %w", leaderURL, err)
	}
	port := u.Port()
	if port == "" {
		port = u.Scheme // a name that the system knows
	}
	l := &leader{url: leaderURL, scheme: u.Scheme, host: net.JoinHostPort(u.Hostname(), port)}
	l.pool = r.client.Pool(l.dial)
	l.tunnels, l.streams = l.transport(), l.transport()
	l.tunnels.DisableKeepAlives = true
	l.streams.Protocols = new(http.Protocols)
	l.streams.Protocols.SetHTTP2(true)
	l.streams.Protocols.SetUnencryptedHTTP2(true)
	l.streams.IdleConnTimeout = idleTimeout
	if !r.leader.CompareAndSwap(old, l) {
		return r.at(leaderURL) // another request was faster
	}
	if old != nil {
		old.close()
	}
	return l, nil
}

func (l *leader) close() {
	l.pool.Close()
	l.streams.CloseIdleConnections()
}

// dial connects for the pool.
func (l *leader) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if l.scheme == "https" {
		return new(tls.Dialer).DialContext(ctx, "tcp", l.host)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", l.host)
}

func (l *leader) transport() *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", addr)
			if err != nil {
				return nil, &upstream.DialError{Err: err}
			}
			return conn, nil
		},
		TLSHandshakeTimeout: dialTimeout, DisableCompression: true, MaxResponseHeaderBytes: headLimit,
	}
}
