package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/gateway"
	"github.com/dynsvc/dynsvc/lane"
	"github.com/dynsvc/dynsvc/service"
)

// BenchmarkWarmCall sends small typed calls through the gateway, with routing,
// limits, timeout and metering on, and through a bare reverse proxy with the
// same pool, in turns. It reports what a call costs through each and the
// gateway's throughput as a part of the bare proxy's.
//
//	go test ./gateway -run '^$' -bench WarmCall -benchtime 100000x
func BenchmarkWarmCall(b *testing.B) {
	answer := strings.Repeat("x", 512)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer)
	}))
	defer backend.Close()
	through := benchGateway(b, backend.Listener.Addr().String())
	defer through.Close()
	bare := httptest.NewServer(bareProxy(backend.URL))
	defer bare.Close()
	for _, conns := range []int{1, 32} {
		b.Run(fmt.Sprintf("connections=%d", conns), func(b *testing.B) {
			const block = 2000
			took := map[*httptest.Server]time.Duration{}
			var each = map[*httptest.Server][]time.Duration{}
			for left := b.N; left > 0; left -= block {
				for _, s := range []*httptest.Server{through, bare} {
					d, all := calls(b, s.Listener.Addr().String(), conns, min(block, left))
					took[s] += d
					each[s] = append(each[s], all...)
				}
			}
			b.ReportMetric(float64(took[bare])/float64(took[through]), "of-bare")
			b.ReportMetric(float64(took[through].Nanoseconds())/float64(b.N), "gateway-ns/call")
			b.ReportMetric(float64(took[bare].Nanoseconds())/float64(b.N), "bare-ns/call")
			b.ReportMetric(float64(median(each[through])-median(each[bare]))/1e3, "added-p50-µs")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// calls makes n calls over so many connections, with next to no work of its own.
func calls(b *testing.B, addr string, conns, n int) (time.Duration, []time.Duration) {
	b.Helper()
	body := `{"version":"1.1","method":"Echo.hi","params":[{"a":1}],"id":"8444218515"}`
	request := fmt.Sprintf("POST /svc/Echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	each := make([]time.Duration, 0, n)
	var mu sync.Mutex
	var wg sync.WaitGroup
	began := time.Now()
	for i := range conns {
		mine := n / conns
		if i < n%conns {
			mine++
		}
		wg.Go(func() {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				b.Error(err)
				return
			}
			defer func() { _ = conn.Close() }()
			in := bufio.NewReader(conn)
			own := make([]time.Duration, 0, mine)
			for range mine {
				sent := time.Now()
				if _, err := io.WriteString(conn, request); err != nil {
					b.Error(err)
					return
				}
				res, err := http.ReadResponse(in, nil)
				if err != nil || res.StatusCode != http.StatusOK {
					b.Error(res, err)
					return
				}
				_, err = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				if err != nil {
					b.Error(err)
					return
				}
				own = append(own, time.Since(sent))
			}
			mu.Lock()
			each = append(each, own...)
			mu.Unlock()
		})
	}
	wg.Wait()
	return time.Since(began), each
}

func bareProxy(to string) http.Handler {
	target, _ := url.Parse(to)
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.SetXForwarded() },
		Transport: &http.Transport{
			MaxIdleConns: 1024, MaxIdleConnsPerHost: 256, IdleConnTimeout: 90 * time.Second, DisableCompression: true,
		},
		BufferPool: pool{},
	}
}

type pool struct{}

var buffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

func (pool) Get() []byte  { return buffers.Get().(*[32 << 10]byte)[:] }
func (pool) Put(b []byte) { buffers.Put((*[32 << 10]byte)(b)) }

func benchGateway(b *testing.B, addr string) *httptest.Server {
	b.Helper()
	gw := gateway.New(hclog.NewNullLogger(), &cluster{}, gateway.Options{Callers: door{"t": service.Operator("admin")}, Record: func([]service.Sample) {}})
	gw.Publish(service.Module{Name: "Echo", Tags: map[string]service.ID{"release": echo}, Versions: []service.Version{{
		ID: echo, Module: "Echo", Version: "1.2.0", Scale: service.Scale{MaxConcurrency: 50},
		Methods: []service.Method{{Name: "hi", Timeout: seconds(60)}},
	}}})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = gw.Run(ctx) }()
	b.Cleanup(func() { cancel(); <-done })
	gw.Apply(state(1, addr))
	if !poll(func() bool { return len(gw.Loads()) == 1 && gw.Loads()[0].Phase == service.Ready }) {
		b.Fatal("never ready")
	}
	s := httptest.NewUnstartedServer(gw)
	s.Config = gateway.Server(gw, hclog.NewNullLogger())
	s.Listener = lane.New(s.Listener, s.Config, gw, hclog.NewNullLogger(), gateway.Prefix)
	s.Start()
	return s
}
