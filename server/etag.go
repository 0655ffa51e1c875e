package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
)

// taggedSize bounds what is held back of an answer to make its tag. What is larger
// goes out as it comes, without one.
const taggedSize = 1 << 20

// tagging gives what is read an entity tag (RFC 9110, section 8.8.3) and answers 304
// to who has that already, so that a catalog that looks often costs little. What is
// flushed on the way is a stream and stays one.
func tagging(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || !strings.HasPrefix(r.URL.Path, "/api/v1/") {
			next.ServeHTTP(w, r)
			return
		}
		t := &taggedWriter{ResponseWriter: w}
		next.ServeHTTP(t, r)
		t.end(r)
	})
}

// taggedWriter holds an answer back until it is whole, flushed, or too large.
type taggedWriter struct {
	http.ResponseWriter
	held    bytes.Buffer
	status  int // 0: the header was not written yet
	passing bool
}

func (t *taggedWriter) WriteHeader(status int) {
	switch {
	case t.passing || status < http.StatusOK: // informational answers pass
		t.ResponseWriter.WriteHeader(status)
	case t.status == 0:
		t.status = status
	}
}

func (t *taggedWriter) Write(p []byte) (int, error) {
	if t.status == 0 {
		t.status = http.StatusOK
	}
	if !t.passing && (t.status != http.StatusOK || t.held.Len()+len(p) > taggedSize) {
		if err := t.pass(); err != nil {
			return 0, err
		}
	}
	if t.passing {
		return t.ResponseWriter.Write(p)
	}
	return t.held.Write(p)
}

// pass lets out what is held, and what follows.
func (t *taggedWriter) pass() error {
	t.passing = true
	if t.status != 0 {
		t.ResponseWriter.WriteHeader(t.status)
	}
	_, err := t.held.WriteTo(t.ResponseWriter)
	return err
}

// FlushError is what [http.ResponseController] asks for.
func (t *taggedWriter) FlushError() error {
	if !t.passing {
		if err := t.pass(); err != nil {
			return err
		}
	}
	return http.NewResponseController(t.ResponseWriter).Flush()
}

// Unwrap is for [http.ResponseController].
func (t *taggedWriter) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// end tags an answer that is whole.
func (t *taggedWriter) end(r *http.Request) {
	if t.passing {
		return
	}
	if t.status != http.StatusOK {
		_ = t.pass() // a client that left cannot be told
		return
	}
	sum := sha256.Sum256(t.held.Bytes())
	tag := `"` + hex.EncodeToString(sum[:16]) + `"`
	h := t.Header()
	h.Set("ETag", tag)
	h.Add("Vary", "Authorization")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "private, no-cache") // kept, and asked for again each time
	}
	if matches(r.Header.Get("If-None-Match"), tag) {
		for _, name := range []string{"Content-Type", "Content-Length"} {
			h.Del(name)
		}
		t.ResponseWriter.WriteHeader(http.StatusNotModified)
		return
	}
	_ = t.pass()
}

// matches reports whether a list of tags has one, or is *.
func matches(list, tag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if one = strings.TrimPrefix(strings.TrimSpace(one), "W/"); one == tag || one == "*" {
			return true
		}
	}
	return false
}
