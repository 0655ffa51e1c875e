package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/dynsvc/dynsvc/upstream"
)

const (
	onwardDial = 3 * time.Second
	// onwardIdle is below the time after which an agent closes a connection that
	// nobody uses.
	onwardIdle = 30 * time.Second
)

// onward passes requests on to the agent that leads. A leader that dies takes its
// idle connections with it; none of them must cost a call, so each is looked at
// before it is written to, which net/http does not do.
type onward struct {
	client  upstream.Client
	tunnels *http.Transport // for what is upgraded, each over a connection of its own

	mu     sync.Mutex // guards what follows
	leader string
	pool   *upstream.Pool
}

func newOnward() *onward {
	o := &onward{client: upstream.Client{IdleTimeout: onwardIdle, IdleEach: 256, IdleAll: 256, HeadLimit: 1 << 20}}
	o.tunnels = &http.Transport{
		DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			conn, err := (&net.Dialer{Timeout: onwardDial}).DialContext(ctx, "tcp", addr)
			if err != nil {
				return nil, &upstream.DialError{Err: err}
			}
			return conn, nil
		},
		TLSHandshakeTimeout: onwardDial, DisableKeepAlives: true, DisableCompression: true,
	}
	return o
}

// pass sends a request that the proxy made. With an [upstream.DialError] nothing of
// it was sent, nor read of its body.
func (o *onward) pass(q *http.Request, leader string) (*http.Response, error) {
	to, err := url.Parse(leader)
	if err != nil {
		return nil, fmt.Errorf("the agent that leads says it is at %q: %w", leader, err)
	}
	came := arrivalOf(q)
	out := q.WithContext(q.Context())
	out.Trailer = came.q.Trailer // the proxy's is a copy from before the body was read
	if q.Header.Get("User-Agent") == "" {
		q.Header.Del("User-Agent") // empty is the proxy's word for none
	}
	if q.Header.Get("Upgrade") == "" {
		return o.to(leader, to).RoundTrip(out, came.cut)
	}
	at := *q.URL
	at.Scheme, at.Host = to.Scheme, to.Host
	out.URL = &at
	return o.tunnels.RoundTrip(out)
}

// to returns the connections to the leader; those to another one are closed.
func (o *onward) to(leader string, at *url.URL) *upstream.Pool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.pool != nil && o.leader == leader {
		return o.pool
	}
	if o.pool != nil {
		o.pool.Close()
	}
	o.leader, o.pool = leader, o.client.Pool(func(ctx context.Context) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, onwardDial)
		defer cancel()
		var dialer interface {
			DialContext(ctx context.Context, network, addr string) (net.Conn, error)
		} = new(net.Dialer)
		port := at.Port()
		if at.Scheme == "https" {
			dialer = new(tls.Dialer)
		}
		if port == "" {
			port = at.Scheme // a name that the system knows
		}
		return dialer.DialContext(ctx, "tcp", net.JoinHostPort(at.Hostname(), port))
	})
	return o.pool
}
