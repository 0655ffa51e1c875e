package upstream

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAnswersAreReadToTheirEndAndNoFurther(t *testing.T) {
	tests := []struct {
		name, method, answer string
		status               int
		body                 string
		kept                 bool // the connection serves another call
	}{
		{"length", "GET", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", 200, "hello", true},
		{"no reason", "GET", "HTTP/1.1 200\nContent-Length: 0\n\n", 200, "", true},
		{"length twice", "GET", "HTTP/1.1 200 OK\nContent-Length: 5\nContent-Length: 5\n\nhello", 200, "hello", true},
		{"close", "GET", "HTTP/1.1 200 OK\nConnection: x, Close\nContent-Length: 5\n\nhelloCLOSE", 200, "hello", false},
		{"to the end", "GET", "HTTP/1.1 200 OK\n\nhelloCLOSE", 200, "hello", false},
		{"1.0", "GET", "HTTP/1.0 200 OK\nContent-Length: 5\nConnection: keep-alive\n\nhello", 200, "hello", false},
		{"1.0 to the end", "GET", "HTTP/1.0 200 OK\n\nhelloCLOSE", 200, "hello", false},
		{"chunks", "GET", "HTTP/1.1 200 OK\nTransfer-Encoding: Chunked\n\n5\nhello\nA;x=\"y\"\n0123456789\n0\n\n", 200, "hello0123456789", true},
		{"no chunk", "GET", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n0\n\n", 200, "", true},
		{"trailer", "GET", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1\nx\n0\nSum: 7\n\n", 200, "x", true},
		{"HEAD", "HEAD", "HTTP/1.1 200 OK\nContent-Length: 500\n\n", 200, "", true},
		{"204", "GET", "HTTP/1.1 204 No Content\n\n", 204, "", true},
		{"304", "GET", "HTTP/1.1 304 Not Modified\nContent-Length: 500\n\n", 304, "", true},
		{"informed", "GET", "HTTP/1.1 100 Continue\n\nHTTP/1.1 103 Early Hints\nLink: </x>\n\nHTTP/1.1 200 OK\nContent-Length: 1\n\nx", 200, "x", true},
		{"more than was said", "GET", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhelloHTTP/1.1 200 OK\nContent-Length: 4\n\nevil", 200, "hello", false},
		{"more after chunks", "GET", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n0\n\nHTTP/1.1 200 OK\n\n", 200, "", false},
		{"a body where none is", "GET", "HTTP/1.1 204 No Content\nContent-Length: 4\n\nevil", 204, "", false},
		{"large", "GET", "HTTP/1.1 200 OK\nContent-Length: 300000\n\n" + strings.Repeat("0123456789", 30000), 200, strings.Repeat("0123456789", 30000), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, tt.answer, "HTTP/1.1 201 Created\nContent-Length: 2\n\nok")
			status, body, _, err := s.ask(&Request{Method: tt.method, Target: "/", Host: "h"})
			if err != nil || status != tt.status || body != tt.body {
				t.Fatalf("got %d %.40q, %v", status, body, err)
			}
			status, body, reused, err := s.ask(get())
			if err != nil || status != 201 || body != "ok" || reused != tt.kept {
				t.Errorf("after it: %d %q, reused %v, %v", status, body, reused, err)
			}
		})
	}
}

func TestAnswersThatCouldBeReadInTwoWaysAreRefused(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\n"
	tests := []struct{ name, answer, want string }{
		{"no HTTP", "SSH-2.0-OpenSSH\nxxxxxxxxxxxxxxx\n", "it begins with"},
		{"HTTP/2", "HTTP/2.0 200 OK\n\n", "it begins with"},
		{"HTTP/1.2", "HTTP/1.2 200 OK\n\n", "it begins with"},
		{"status of two digits", "HTTP/1.1 20 OK\n\n", "it begins with"},
		{"status of four digits", "HTTP/1.1 2000 OK\n\n", "it begins with"},
		{"status 99", "HTTP/1.1 099 OK\n\n", "it begins with"},
		{"two lengths", ok + "Content-Length: 5\nContent-Length: 6\n\nhello", "two lengths"},
		{"a list of lengths", ok + "Content-Length: 5, 5\n\nhello", "a length"},
		{"a signed length", ok + "Content-Length: +5\n\nhello", "a length"},
		{"no length", ok + "Content-Length: \n\nhello", "a length"},
		{"an endless length", ok + "Content-Length: 99999999999999999999\n\nhello", "a length"},
		{"a length and chunks", ok + "Content-Length: 5\nTransfer-Encoding: chunked\n\n0\n\n", "a length and chunks"},
		{"another coding", ok + "Transfer-Encoding: gzip, chunked\n\n0\n\n", "transfer coding"},
		{"chunks twice", ok + "Transfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n0\n\n", "transfer coding"},
		{"chunks in 1.0", "HTTP/1.0 200 OK\nTransfer-Encoding: chunked\n\n0\n\n", "transfer coding"},
		{"space before the colon", ok + "Content-Length : 5\n\nhello", "a header line"},
		{"no colon", ok + "Content-Length\n\nhello", "a header line"},
		{"no name", ok + ": 5\n\nhello", "a header line"},
		{"folded", ok + "X-A: 1\n 2\nContent-Length: 0\n\n", "a header line"},
		{"a bare CR", ok + "X-A: 1\rContent-Length: 7\nContent-Length: 0\n\n", "control characters"},
		{"a NUL", ok + "X-A: 1\x002\nContent-Length: 0\n\n", "control characters"},
		{"101", "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: Upgrade\n\n", "status 101"},
		{"informed for ever", strings.Repeat("HTTP/1.1 102 Processing\n\n", 100), "informational"},
		{"a header without end", ok + strings.Repeat("X-A: "+strings.Repeat("x", 100)+"\n", 100), "more than 8192 bytes"},
		{"a line without end", ok + "X-A: " + strings.Repeat("x", 10_000), "more than 8192 bytes"},
		{"a chunk of no size", ok + "Transfer-Encoding: chunked\n\n\nhello\n0\n\n", "a chunk begins"},
		{"a chunk of minus", ok + "Transfer-Encoding: chunked\n\n-5\nhello\n0\n\n", "a chunk begins"},
		{"a chunk of 0x5", ok + "Transfer-Encoding: chunked\n\n0x5\nhello\n0\n\n", "a chunk begins"},
		{"an endless chunk", ok + "Transfer-Encoding: chunked\n\n10000000000000000\nhello\n0\n\n", "a chunk begins"},
		{"a chunk that is longer", ok + "Transfer-Encoding: chunked\n\n3\nhello\n0\n\n", "a chunk is longer"},
		{"a chunk of two sizes", ok + "Transfer-Encoding: chunked\n\n0 5\n\nhello\n0\n\n", "a chunk begins"},
		{"an endless extension", ok + "Transfer-Encoding: chunked\n\n5;" + strings.Repeat("x", 300) + "\nhello\n0\n\n", "a chunk begins"},
		{"a trailer that ends in LF", ok + "Transfer-Encoding: chunked\n\n0\nLF", "does not end with CRLF"},
		{"a trailer without end", ok + "Transfer-Encoding: chunked\n\n0\n" + strings.Repeat("X-A: x\n", 5000), "more than 8192 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, tt.answer, "HTTP/1.1 201 Created\nContent-Length: 2\n\nok")
			status, body, _, err := s.ask(get())
			if bad := (*MalformedError)(nil); !errors.As(err, &bad) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %d %.40q, %v", status, body, err)
			}
			if status, _, reused, err := s.ask(get()); err != nil || status != 201 || reused {
				t.Errorf("after it: %d, reused %v, %v", status, reused, err)
			}
		})
	}
}

func TestAnswersThatBreakOffAreNotTakenForWhole(t *testing.T) {
	for _, answer := range []string{
		"CLOSE", "HTTP/1.CLOSE", "HTTP/1.1 200 OK\nContent-LenCLOSE", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhellCLOSE",
		"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nhelloCLOSE", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nhello\nCLOSE",
		"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nhello\n0\nCLOSE", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nhelCLOSE",
	} {
		s := serve(t, answer)
		if status, body, _, err := s.ask(get()); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: %d %q, %v", answer, status, body, err)
		}
	}
}

func TestTheTrailerFollowsTheBody(t *testing.T) {
	s := serve(t, "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nTrailer: sum\n\n1\nx\n0\nsum: 7\nsum:  8 \n\n")
	c, err := s.pool.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Release()
	if err := errors.Join(c.Send(get()), c.ReadHead()); err != nil {
		t.Fatal(err)
	}
	if text, err := all(c); err != nil || text != "x" || !c.Trailers || !slices.Equal(c.Fields, []Field{{"Sum", "7"}, {"Sum", "8"}}) {
		t.Errorf("%q, %v, trailer %v", text, err, c.Fields)
	}
}

// pipe is a connection of which only the reading matters.
type pipe struct {
	net.Conn
	io.Reader
}

func (p pipe) Read(b []byte) (int, error)    { return p.Reader.Read(b) }
func (pipe) Write(b []byte) (int, error)     { return len(b), nil }
func (pipe) Close() error                    { return nil }
func (pipe) SetReadDeadline(time.Time) error { return nil }

// FuzzAnswer reads any bytes as an answer, in pieces of any size. What is read
// must be what Go's own client reads, or be refused.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.0 200 OK\r\n\r\nhello", "HTTP/1.1 204\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Length: 3\r\n\r\n",
		"HTTP/1.1 200 OK\nConnection: close\nContent-Length: 1\n\nx",
	} {
		f.Add([]byte(seed), uint8(1), false)
		f.Add([]byte(seed), uint8(200), true)
	}
	client := &Client{IdleTimeout: time.Minute, IdleEach: 1, IdleAll: 1, HeadLimit: 4 << 10}
	f.Fuzz(func(t *testing.T, answer []byte, size uint8, head bool) {
		method := http.MethodGet
		if head {
			method = http.MethodHead
		}
		pool := client.Pool(func(context.Context) (net.Conn, error) {
			return pipe{Reader: &pieces{answer, int(size)%64 + 1}}, nil
		})
		defer pool.Close()
		c, err := pool.Get(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Release()
		if err := c.Send(&Request{Method: method, Target: "/", Host: "h"}); err != nil {
			t.Fatal(err)
		}
		if c.ReadHead() != nil {
			return
		}
		status, fields, length := c.Status, slices.Clone(c.Fields), c.Length
		body, err := all(c)
		if err != nil {
			return
		}
		in := bufio.NewReader(bytes.NewReader(answer))
		var res *http.Response
		for {
			if res, err = http.ReadResponse(in, &http.Request{Method: method}); err != nil { //nolint:bodyclose // it reads from memory
				t.Fatalf("only we can read %q: %v", answer, err)
			}
			if res.StatusCode >= http.StatusOK {
				break
			}
		}
		want, err := io.ReadAll(res.Body)
		if err != nil || string(want) != body || res.StatusCode != status {
			t.Fatalf("%q: got %d %q, want %d %q, %v", answer, status, body, res.StatusCode, want, err)
		}
		for _, f := range fields {
			switch f.Name {
			case "Content-Length", "Transfer-Encoding", "Trailer", "Connection", "Pragma", "Cache-Control":
			default:
				if !slices.Contains(res.Header[f.Name], f.Value) {
					t.Fatalf("%q: %q is not in %v", answer, f, res.Header)
				}
			}
		}
		if length >= 0 && method == http.MethodGet && status != http.StatusNoContent && status != http.StatusNotModified && int64(len(body)) != length {
			t.Fatalf("%q: %d bytes of %d", answer, len(body), length)
		}
	})
}

// pieces gives a few bytes at a time.
type pieces struct {
	b    []byte
	size int
}

func (p *pieces) Read(to []byte) (int, error) {
	if len(p.b) == 0 {
		return 0, io.EOF
	}
	n := copy(to, p.b[:min(p.size, len(p.b))])
	p.b = p.b[n:]
	return n, nil
}
