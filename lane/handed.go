package lane

import (
	"crypto/tls"
	"net"
)

// handed is a connection that the lane gives away, with what it has read of it.
type handed struct {
	net.Conn
	read  []byte
	state *tls.ConnectionState // nil: it is plain
}

func (h *handed) Read(p []byte) (int, error) {
	if len(h.read) == 0 {
		return h.Conn.Read(p)
	}
	n := copy(p, h.read)
	if h.read = h.read[n:]; len(h.read) == 0 {
		h.read = nil
	}
	return n, nil
}

// CloseWrite tells the other side that nothing more comes.
func (h *handed) CloseWrite() error { return closeWrite(h.Conn) }

func closeWrite(conn net.Conn) error {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil // it is about to be closed whole
}
