package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dynsvc/dynsvc/gateway"
)

// A GiB passes without being held in memory, with its length or in chunks.
func TestALargeUploadStreams(t *testing.T) {
	k := newKit(t)
	whole, chunked := 64<<20, 1<<30
	if gateway.RaceDetector { // it takes its time
		chunked = whole
	}
	k.up(k.backend(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprint(w, n)
	}))
	for _, way := range []struct {
		path         string
		size, length int
	}{{"/svc/Echo/file", whole, whole}, {"/svc/Echo/", chunked, -1}} {
		var peak atomic.Uint64
		watch := &measured{n: way.size, peak: &peak}
		runtime.GC()
		var before runtime.MemStats
		runtime.ReadMemStats(&before)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.url+way.path, watch)
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = int64(way.length)
		send(k.client, req).must(t, http.StatusOK, fmt.Sprint(way.size))
		if grown := int64(peak.Load()) - int64(before.HeapInuse); grown > 24<<20 {
			t.Errorf("%s: the heap grew by %d MiB", way.path, grown>>20)
		}
	}
}

// measured is an upload that looks at the heap on its way.
type measured struct {
	n    int
	read int
	peak *atomic.Uint64
}

func (m *measured) Read(p []byte) (int, error) {
	if m.read == m.n {
		return 0, io.EOF
	}
	n := min(len(p), m.n-m.read)
	clear(p[:n])
	if m.read == 0 {
		p[0] = '{'
	}
	if m.read>>23 != (m.read+n)>>23 {
		var now runtime.MemStats
		runtime.ReadMemStats(&now)
		m.peak.Store(max(m.peak.Load(), now.HeapInuse))
	}
	m.read += n
	return n, nil
}

// The service dies while the caller has half of its body still to send.
func TestACallerLearnsAtOnceThatItsUploadIsInVain(t *testing.T) {
	k := newKit(t)
	k.up(k.backend(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_, _ = io.ReadFull(r.Body, make([]byte, 4))
			panic(http.ErrAbortHandler)
		}
	}))
	conn, err := net.Dial("tcp", strings.TrimPrefix(k.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "POST /svc/Echo/up HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nhalf")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusBadGateway || !res.Close {
		t.Errorf("status %d, close %v", res.StatusCode, res.Close)
	}
}
