package kbase

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"github.com/dynsvc/dynsvc/service"
)

// socketPath begins the paths of log sockets: socketPath{service}/{instance}?token=….
const socketPath = "service_wizard/logs/"

const (
	ticketLife  = 5 * time.Minute // to open the socket in
	pingEvery   = 30 * time.Second
	writeWithin = 10 * time.Second
)

// tickets are the tokens of sockets. A browser cannot set a header when it opens
// one, and a user's own token has no place in a URL: a ticket is good for one
// instance and a few minutes, and for nothing once the agent has ended.
type tickets struct{ key []byte }

func newTickets() tickets {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails
	return tickets{key}
}

func (t tickets) sign(id service.ID, alloc string, until int64) []byte {
	mac := hmac.New(sha256.New, t.key)
	_ = binary.Write(mac, binary.BigEndian, until) // a hash takes everything
	mac.Write([]byte(string(id) + "/" + alloc))
	return mac.Sum(nil)
}

func (t tickets) issue(id service.ID, alloc string, now time.Time) string {
	until := now.Add(ticketLife).UnixMilli()
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(t.sign(id, alloc, until), uint64(until)))
}

func (t tickets) good(ticket string, id service.ID, alloc string, now time.Time) bool {
	text, err := base64.RawURLEncoding.DecodeString(ticket)
	if err != nil || len(text) != sha256.Size+8 {
		return false
	}
	until := int64(binary.BigEndian.Uint64(text[sha256.Size:]))
	return subtle.ConstantTimeCompare(text[:sha256.Size], t.sign(id, alloc, until)) == 1 && now.UnixMilli() <= until
}

func (f *Facade) socketURL(id service.ID, alloc string) string {
	base := "ws" + strings.TrimPrefix(f.opts.URL, "http") // https becomes wss
	return base + Prefix + socketPath + url.PathEscape(string(id)) + "/" + url.PathEscape(alloc) + "?token=" + f.tickets.issue(id, alloc, time.Now())
}

// upgrader lets every origin in: the ticket is what admits.
var upgrader = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}

// socket sends the output of an instance as it comes, a line a frame.
func (f *Facade) socket(w http.ResponseWriter, r *http.Request, rest string) {
	name, alloc, _ := strings.Cut(rest, "/")
	id := service.ID(name)
	if !f.tickets.good(r.URL.Query().Get("token"), id, alloc, time.Now()) {
		http.Error(w, "the token of this log is not good, or no longer: get_service_log_web_socket gives a new one", http.StatusForbidden)
		return
	}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	defer conn.Close() //nolint:errcheck // only written to
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go func() { // until the client leaves
		defer cancel()
		for {
			if _, _, err := conn.NextReader(); err != nil {
				return
			}
		}
	}()
	lines := make(chan string)
	ended := make(chan error, 1)
	go func() {
		ended <- f.Cluster.Logs(ctx, id, service.LogOptions{Follow: true, Tail: defaultTail, Alloc: alloc}, func(l service.LogLine) error {
			select {
			case lines <- l.Text + "\n":
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	err = f.send(ctx, conn, lines, ended)
	cancel()
	if err != nil {
		f.log.Debug("log socket ended", "service", id, "alloc", alloc, "error", err)
	}
}

// send writes lines until they end or the client has left.
func (f *Facade) send(ctx context.Context, conn *websocket.Conn, lines <-chan string, ended <-chan error) error {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		var err error
		select {
		case line := <-lines:
			_ = conn.SetWriteDeadline(time.Now().Add(writeWithin)) // the write tells
			err = conn.WriteMessage(websocket.TextMessage, []byte(line))
		case <-ping.C:
			err = conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWithin))
		case err := <-ended:
			text := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "the instance has ended")
			_ = conn.WriteControl(websocket.CloseMessage, text, time.Now().Add(writeWithin)) // it may have left
			return err
		case <-ctx.Done():
			return nil
		}
		if err != nil {
			return err
		}
	}
}
