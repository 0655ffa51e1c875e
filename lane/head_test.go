package lane

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var prefixes = []string{"/svc/"}

func newHead() *head { return &head{req: &http.Request{Header: http.Header{}}} }

// Requests that the lane takes, and what it leaves to others. The end of the head is
// added.
var taken = []string{
	"GET /svc/M HTTP/1.1\r\nHost: a",
	"POST /svc/M@dev/a?b=c HTTP/1.1\r\nhOsT:a:80\r\ncontent-length:\t12 \r\nX-A: 1\r\nx-a: 2",
	"GET /svc/M?? HTTP/1.1\r\nHost: [::1]:8080",
	"GET /svc/M? HTTP/1.1\r\nHost: a\r\nConnection: Keep-Alive",
	"DELETE /svc/a%20b/%2e%2e//c;d=e HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0",
	"OPTIONS /svc/../../x HTTP/1.1\r\nHost: a\r\nEmpty:\r\nCookie: \xc3\xa4=b; c=\"d\"",
	"PUT /svc/:80/$&+,=!'()*[] HTTP/1.1\r\nHost: a\r\nContent-Length: 00012",
	"HEAD /svc/M/?a?b%zz&\"<>` HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nKeep-Alive: 5",
}

var left = []string{
	"GET /svc/M HTTP/1.0\r\nHost: a",
	"GET /svc/M HTTP/1.1",
	"GET /svc/M HTTP/1.1\r\nHost:",
	"GET /svc/M HTTP/1.1\r\nHost: a\r\nHost: a",
	"GET /svc/M HTTP/1.1\r\nHost: a/b",
	"GET /svc/M HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1",
	"GET /svc/M HTTP/1.1\r\nHost: a\r\nContent-Length: +1",
	"GET /svc/M HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1",
	"GET /svc/M HTTP/1.1\r\nHost: a\r\nContent-Length:",
	"GET /svc/M HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999",
	"POST /svc/M HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked",
	"POST /svc/M HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\ntransfer-encoding: xchunked",
	"POST /svc/M HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked",
	"POST /svc/M HTTP/1.1\r\nHost: a\r\nX: b\r\n Transfer-Encoding: chunked",
	"POST /svc/M HTTP/1.1\r\nHost: a\r\nX: b\nTransfer-Encoding: chunked",
	"POST /svc/M HTTP/1.1\r\nHost: a\r\nX: b\rTransfer-Encoding: chunked",
	"POST /svc/M HTTP/1.1\r\nHost: a\r\nX\x00: b",
	"POST /svc/M HTTP/1.1\r\nHost: a\r\nX: \x00",
	"POST /svc/M HTTP/1.1\r\nHost: a\r\n: b",
	"POST /svc/M HTTP/1.1\r\nHost: a\r\nno colon",
	"POST /svc/M HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1",
	"GET /svc/M HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade",
	"GET /svc/M HTTP/1.1\r\nHost: a\r\nConnection: close, x-a",
	"GET /svc/M HTTP/1.1\r\nHost: a\r\nConnection: close\r\nConnection: keep-alive",
	"GET /svc/M HTTP/1.1\r\nHost: a\r\nTrailer: X",
	"GET /svc/M HTTP/1.1\r\nHost: a\r\nPragma: no-cache",
	"GET /api/v1 HTTP/1.1\r\nHost: a",
	"GET http://a/svc/M HTTP/1.1\r\nHost: a",
	"GET  /svc/M HTTP/1.1\r\nHost: a",
	"GET /svc/M  HTTP/1.1\r\nHost: a",
	"GET /svc/M\tHTTP/1.1\r\nHost: a",
	"GET /svc/M#x HTTP/1.1\r\nHost: a",
	"GET /svc/M?a#x HTTP/1.1\r\nHost: a",
	"GET /svc/\xff HTTP/1.1\r\nHost: a",
	"GET /svc/%zz HTTP/1.1\r\nHost: a",
	"get /svc/M HTTP/1.1\r\nHost: a",
	"CONNECT /svc/M HTTP/1.1\r\nHost: a",
	"TRACE /svc/M HTTP/1.1\r\nHost: a",
	"\r\nGET /svc/M HTTP/1.1\r\nHost: a",
	"PRI * HTTP/2.0",
	"GET /svc/M HTTP/1.1\r\nHost: a" + manyLines(),
}

func manyLines() string {
	var lines strings.Builder
	for i := range fieldLimit + 1 {
		fmt.Fprintf(&lines, "\r\nX-%d: y", i)
	}
	return lines.String()
}

func TestWhatTheLaneTakes(t *testing.T) {
	for _, text := range taken {
		if n, ok := newHead().read([]byte(text+"\r\n\r\nrest"), prefixes); !ok || n != len(text)+4 {
			t.Errorf("not taken, or not whole (%d): %q", n, text)
		}
	}
	for _, text := range left {
		if _, ok := newHead().read([]byte(text+"\r\n\r\nrest"), prefixes); ok {
			t.Errorf("taken: %q", text)
		}
	}
	for _, text := range taken {
		if _, ok := newHead().read([]byte(text+"\r\n"), prefixes); ok {
			t.Errorf("taken without its end: %q", text)
		}
	}
}

// FuzzHead holds what the lane takes against what net/http reads: the same request,
// that ends at the same byte.
func FuzzHead(f *testing.F) {
	for _, text := range append(append([]string{}, taken...), left...) {
		f.Add([]byte(text + "\r\n\r\nbody of some length"))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		h := newHead()
		n, ok := h.read(text, prefixes)
		if !ok {
			return
		}
		if line := bytes.Index(text, endOfHead[:2]); !newHead().begins(text[:line+2], prefixes) {
			t.Fatalf("the lane would not wait for the rest of %q", text)
		}
		in := bufio.NewReaderSize(bytes.NewReader(text), len(text)+16)
		want, err := http.ReadRequest(in)
		if err != nil {
			t.Fatalf("net/http refuses %q: %v", text, err)
		}
		if left := in.Buffered(); n != len(text)-left {
			t.Fatalf("the head has %d bytes, for net/http %d: %q", n, len(text)-left, text)
		}
		if want.TransferEncoding != nil || want.Trailer != nil {
			t.Fatalf("net/http sees a coding %v or a trailer %v: %q", want.TransferEncoding, want.Trailer, text)
		}
		delete(want.Header, "Host") // as its server does
		type read struct {
			Method, URI, Host, Proto string
			Length                   int64
			Close                    bool
			Header                   http.Header
			URL                      any
			Path                     string
		}
		of := func(r *http.Request) read {
			return read{r.Method, r.RequestURI, r.Host, r.Proto, r.ContentLength, r.Close, r.Header, *r.URL, r.URL.EscapedPath()}
		}
		if diff := cmp.Diff(of(want), of(h.req)); diff != "" {
			t.Errorf("net/http reads %q otherwise (-net/http +lane):\n%s", text, diff)
		}
		h.forget()
		if len(h.req.Header) > 0 || h.values != [fieldLimit]string{} {
			t.Error("the next request on the connection sees a part of this one")
		}
	})
}
