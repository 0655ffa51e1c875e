package gateway

import (
	"bytes"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// waitingPage is what a browser shows while a service starts that wants it so. It
// looks again by itself, without a script.
var waitingPage = template.Must(template.New("waiting").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="1">
<meta name="robots" content="noindex">
<meta name="viewport" content="width=device-width">
<title>{{.Name}} is starting</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 20vh auto 0; max-width: 30em; padding: 0 1em; color-scheme: light dark }
p { opacity: .7 }
</style>
<h1>{{.Name}} is starting</h1>
<p>{{.Step}}{{if .Since}}, for {{.Since}} s{{end}}. This page looks again by itself.</p>
</html>
`))

// page answers a browser that meets a cold service, if the service wants a page
// for it, and has the service started. It reports whether it did.
func (c *call) page() (done bool, err error) {
	m := c.to.machine
	if c.to.version.Wait != service.Page || c.in.Method != http.MethodGet || m.takes() || !accepts(c.in.Header, "text/html") {
		return false, nil
	}
	m.rouse()
	step, since, err := m.progress()
	if err != nil {
		return false, err
	}
	var text bytes.Buffer
	if err := waitingPage.Execute(&text, struct {
		Name, Step string
		Since      int
	}{m.name(), step, int(since.Seconds())}); err != nil {
		return false, err
	}
	h := c.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	h.Set("Content-Length", strconv.Itoa(text.Len()))
	h.Set("Cache-Control", "no-store")
	h.Set("Retry-After", "1")
	h.Set(headerRequestID, c.requestID)
	c.meter = nil // the call is the one that gets an answer of the service
	c.status = http.StatusServiceUnavailable
	c.w.WriteHeader(c.status)
	_, _ = c.w.Write(text.Bytes()) // the browser may have left
	return true, nil
}

// progress says how far a start is. The error is why there is none.
func (m *machine) progress() (step string, since time.Duration, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.touch()
	switch {
	case m.phase == service.Stopped:
		return "", 0, &stoppedError{m.name()}
	case m.phase == service.Broken:
		return "", 0, m.startError()
	case m.start == nil:
		return "It waits for its turn", 0, nil
	}
	since = time.Since(m.start.began)
	switch {
	case m.start.placed.IsZero():
		return "A machine is being found for it", since, nil
	case m.start.running.IsZero():
		return "Its program is being fetched", since, nil
	}
	return "Its program runs and does not answer yet", since, nil
}

// accepts reports whether a caller names a type among those that it takes.
func accepts(h http.Header, kind string) bool {
	for _, list := range h["Accept"] {
		for one := range strings.SplitSeq(list, ",") {
			name, _, _ := strings.Cut(one, ";")
			if strings.EqualFold(strings.TrimSpace(name), kind) {
				return true
			}
		}
	}
	return false
}
