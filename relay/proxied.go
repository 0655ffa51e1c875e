package relay

import (
	"errors"
	"net/http"
	"net/http/httputil"
	"net/url"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/upstream"
)

// proxied reports whether the standard proxy is to pass the request on: one that asks
// for a WebSocket, and one over HTTP/2 whose body may go on while the answer comes.
func (p *passing) proxied() bool {
	return upstream.WebSocket(p.q) || p.streams()
}

func (p *passing) streams() bool { return p.q.ProtoMajor > 1 && p.q.ContentLength < 0 }

// proxy passes the request on.
func (p *passing) proxy() {
	proxy := httputil.ReverseProxy{
		Transport: p, FlushInterval: -1, ErrorLog: p.r.log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
		Rewrite: func(pr *httputil.ProxyRequest) {
			u := pr.In.URL
			// RoundTrip knows where. The trailer is one map: it is filled as the body ends.
			pr.Out.URL = &url.URL{Scheme: "http", Host: "leader", Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery, ForceQuery: u.ForceQuery}
			pr.Out.Trailer = pr.In.Trailer
			p.introduce(pr.Out.Header)
		},
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) {
			if errors.Is(err, errHere) {
				p.r.ServeHTTP(p.w, p.q)
				return
			}
			p.refuse(err)
		},
	}
	proxy.ServeHTTP(upstream.Prompt{ResponseWriter: p.w}, p.q)
}

// RoundTrip sends what the proxy has made of the request.
func (p *passing) RoundTrip(out *http.Request) (res *http.Response, err error) {
	ctx := p.q.Context()
	err = p.r.find(ctx, func(l *leader) error {
		try := out.WithContext(ctx) // without the proxy's trace: informational answers are not passed on
		at := *out.URL
		at.Scheme, at.Host = l.scheme, l.host
		try.URL = &at
		transport := l.tunnels
		if p.streams() {
			transport = l.streams
		}
		res, err = transport.RoundTrip(try) //nolint:bodyclose // the proxy closes it
		return err
	})
	return res, err
}
