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

// tunnel is the connection behind an upgraded call: its bytes count, too.
type tunnel struct {
	io.ReadWriteCloser
	clock *clock
}

func (t *tunnel) Read(p []byte) (int, error) {
	n, err := t.ReadWriteCloser.Read(p)
	t.clock.move()
	return n, err
}

func (t *tunnel) Write(p []byte) (int, error) {
	t.clock.move()
	return t.ReadWriteCloser.Write(p)
}
