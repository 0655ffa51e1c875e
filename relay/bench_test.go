package relay_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/gateway"
	"github.com/dynsvc/dynsvc/lane"
	"github.com/dynsvc/dynsvc/relay"
	"github.com/dynsvc/dynsvc/upstream"
)

type fixed string

func (f fixed) Leader() (string, <-chan struct{}) { return string(f), nil }

// served is a handler behind the lane.
func served(b *testing.B, h http.Handler) (addr string) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	srv := gateway.Server(h, hclog.NewNullLogger())
	fast := lane.New(l, srv, h, hclog.NewNullLogger(), gateway.Prefix)
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(fast) }()
	b.Cleanup(func() {
		if err := errors.Join(fast.Abort(), srv.Close()); err != nil {
			b.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			b.Error(err)
		}
	})
	return l.Addr().String()
}

// BenchmarkRelayedCall is a small call to a leader that does next to nothing, directly
// and through an agent that does not lead. The difference is what the relay costs.
func BenchmarkRelayedCall(b *testing.B) {
	answer := strings.Repeat("x", 512)
	leader := served(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // came with the head
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer)
	}))
	front := served(b, relay.New(fixed("http://"+leader), gateway.Proxies(nil).Forwarded, hclog.NewNullLogger()))
	for name, addr := range map[string]string{"direct": leader, "relayed": front} {
		b.Run(name, func(b *testing.B) {
			client := upstream.Client{IdleTimeout: time.Minute, IdleEach: 64, IdleAll: 64, HeadLimit: 1 << 16}
			pool := client.Pool(func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", addr) })
			defer pool.Close()
			b.SetParallelism(16)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					conn, err := pool.RoundTrip(context.Background(), &upstream.Request{Method: http.MethodPost, Target: "/svc/M", Host: "h",
						Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"version":"1.1","id":"1","method":"M.echo","params":[]}`)})
					if err != nil {
						b.Error(err)
						return
					}
					for err == nil {
						_, err = conn.Next()
					}
					conn.Release()
				}
			})
		})
	}
}
