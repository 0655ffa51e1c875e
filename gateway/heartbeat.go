package gateway

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/upstream"
)

// heartbeat is how often a caller hears that wants an event stream and waits.
const heartbeat = 10 * time.Second

// wantsEvents reports whether the caller takes an event stream and nothing else.
// Whoever takes JSON as well may get that, which cannot follow a comment.
func (c *call) wantsEvents() bool {
	accept := c.in.Header["Accept"]
	return len(accept) == 1 && !strings.Contains(accept[0], ",") && upstream.EventStream(accept[0])
}

// beat sends a comment line to a caller that waits for an event stream: clients
// and what is between them and here give up on a connection that is silent. It
// begins the answer, so that from then on a refusal is an event.
func (c *call) beat() {
	if c.begun == nil {
		h := c.w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("Cache-Control", "no-store")
		h.Set(headerRequestID, c.requestID)
		c.w.WriteHeader(http.StatusOK)
		c.begun = &begun{ResponseWriter: c.w, h: http.Header{}}
		c.w = c.begun
	}
	_, _ = fmt.Fprintf(c.w, ": %s is starting\n\n", c.to.machine.name()) // the caller may have left: its context says so
	_ = http.NewResponseController(c.w).Flush()
}

// begun is the rest of an answer whose header was sent.
type begun struct {
	http.ResponseWriter
	h http.Header
}

func (b *begun) Header() http.Header         { return b.h }
func (b *begun) WriteHeader(int)             {}
func (b *begun) Unwrap() http.ResponseWriter { return b.ResponseWriter }

// joins reports whether an answer of the service can follow the comments.
func joins(status int, contentType string) bool {
	return status == http.StatusOK && upstream.EventStream(contentType)
}

// misfit is the event that stands for an answer that is no event stream.
func (c *call) misfit(status int) {
	c.event(problem{Type: "about:blank", Title: http.StatusText(status), Status: status, RequestID: c.requestID,
		Detail: fmt.Sprintf("%s answered with status %d and no event stream", c.to.machine.name(), status)})
}

// event ends an event stream with a problem.
func (c *call) event(p problem) {
	text, err := json.Marshal(p)
	if err != nil { // strings and numbers: cannot be
		text = []byte("{}")
	}
	_, _ = io.WriteString(c.w, "event: error\ndata: "+string(text)+"\n\n") // the caller may have left
	_ = http.NewResponseController(c.w).Flush()
}
