package gateway

import (
	"errors"
	"io"
	"net/http"
	"strings"
)

// errSwitched refuses an upgrade to what nobody asked for.
var errSwitched = errors.New("the instance switched to another protocol than it was asked for")

// grants reports whether an answer switches to the one protocol that is passed on.
func grants(res *http.Response) bool {
	up := res.Header["Upgrade"]
	return len(up) == 1 && strings.EqualFold(up[0], "websocket")
}

// tunnel is the connection behind an upgraded call. What passes in it counts for the
// call's limit, all bytes or messages alone.
type tunnel struct {
	io.ReadWriteCloser
	clock    *clock
	down, up frames // to the caller, and to the instance
	over     bool   // the caller was told that it ends
}

// Read is what the instance sends. When the limit has passed, the caller is told so
// before its connection is closed.
func (t *tunnel) Read(p []byte) (int, error) {
	n, err := t.ReadWriteCloser.Read(p)
	if n > 0 {
		t.move(t.down.messages(p[:n]))
	}
	if n == 0 && err != nil && t.clock.silent.Load() && !t.over && t.down.between() && len(p) >= len(goingAway) {
		t.over = true
		return copy(p, goingAway), nil
	}
	return n, err
}

func (t *tunnel) Write(p []byte) (int, error) {
	t.move(t.up.messages(p))
	return t.ReadWriteCloser.Write(p)
}

func (t *tunnel) move(message bool) {
	if message || !t.clock.messages {
		t.clock.move()
	}
}
