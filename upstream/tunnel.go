package upstream

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
)

// Prompt is a writer whose connection, once it is taken over, begins with what the
// caller sent behind its request. The standard proxy forgets that.
type Prompt struct{ http.ResponseWriter }

// Unwrap is for [http.ResponseController].
func (p Prompt) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// Hijack takes the connection over.
func (p Prompt) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffers, err := http.NewResponseController(p.ResponseWriter).Hijack()
	if err != nil {
		return conn, buffers, err
	}
	if n := buffers.Reader.Buffered(); n > 0 {
		early, _ := buffers.Peek(n) // they are there
		conn = &begunConn{conn, io.MultiReader(bytes.NewReader(bytes.Clone(early)), conn)}
	}
	return conn, buffers, nil
}

// begunConn is a connection of which something was read already.
type begunConn struct {
	net.Conn
	from io.Reader
}

func (b *begunConn) Read(p []byte) (int, error) { return b.from.Read(p) }
