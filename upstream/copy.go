package upstream

import (
	"net/http"
	"slices"
)

// CopyHead copies the header of an answer, but for what is between the two sides of
// the connection only, and reports whether the body is to be passed on as it comes.
func (c *Conn) CopyHead(h http.Header) (flush bool) {
	flush = c.Length < 0
	values := make([]string, len(c.Fields))
	for i := range c.Fields {
		f := &c.Fields[i]
		switch f.Name {
		case "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
			if f.Name == "Trailer" && c.Length < 0 {
				announce(h, f.Value)
			}
			continue
		case "Content-Length":
			if c.Status == http.StatusNoContent || h[f.Name] != nil {
				continue // a second one says the same
			}
		case "Content-Type":
			flush = flush || EventStream(f.Value)
		}
		values[i] = f.Value
		if h[f.Name] == nil {
			h[f.Name] = values[i : i+1 : i+1]
		} else {
			h[f.Name] = append(h[f.Name], f.Value)
		}
	}
	for i := range c.Fields {
		if f := &c.Fields[i]; f.Name == "Connection" {
			forget(h, f.Value)
		}
	}
	return flush
}

// CopyBody passes the body of the answer on, and its trailer. moved hears of each
// piece that came; nil: nobody does. Where the body has not ended and err is nil, w
// could not be written to.
func (c *Conn) CopyBody(w http.ResponseWriter, flush bool, moved func(n int)) (ended bool, err error) {
	control := http.NewResponseController(w)
	for {
		if flush && !c.Buffered() {
			_ = control.Flush() // a writer that cannot has nobody waiting
		}
		p, err := c.Next()
		if moved != nil {
			moved(len(p))
		}
		if len(p) > 0 {
			if _, err := w.Write(p); err != nil {
				return false, nil
			}
			continue
		}
		if c.Trailers {
			c.copyTrailer(w, control)
		}
		if c.Ended() {
			return true, nil
		}
		return false, err
	}
}

// copyTrailer passes on what comes after the body.
func (c *Conn) copyTrailer(w http.ResponseWriter, control *http.ResponseController) {
	if len(c.Fields) == 0 {
		return
	}
	_ = control.Flush() // or the server takes the body for one without a trailer
	h := w.Header()
	for _, f := range c.Fields {
		name := f.Name
		if !trailing(name) {
			continue
		}
		if !slices.Contains(h["Trailer"], name) {
			name = http.TrailerPrefix + name
		}
		h[name] = append(h[name], f.Value)
	}
}
