package server_test

import (
	"net/http"
	"testing"
)

func TestReadsAreTagged(t *testing.T) {
	w := open(t)
	w.register(t, "dev")
	read := func(path, tag string) (int, string, http.Header) {
		return w.browse(t, "", http.MethodGet, path, "Authorization", "Bearer "+token, "If-None-Match", tag)
	}
	status, body, header := read("/api/v1/modules", "")
	tag := header.Get("ETag")
	if status != http.StatusOK || len(tag) != 34 || body == "" || header.Get("Cache-Control") != "private, no-cache" || header.Get("Vary") != "Authorization" {
		t.Fatalf("%d %v", status, header)
	}
	for _, have := range []string{tag, `"other", W/` + tag, "*"} {
		status, body, header := read("/api/v1/modules", have)
		if status != http.StatusNotModified || body != "" || header.Get("ETag") != tag || header.Get("Content-Type") != "" {
			t.Errorf("with %s: %d %q %v", have, status, body, header)
		}
	}
	w.register(t, "release")
	if status, body, header := read("/api/v1/modules", tag); status != http.StatusOK || body == "" || header.Get("ETag") == tag {
		t.Errorf("after a change: %d %v", status, header)
	}
	// What is refused, or streamed, has no tag.
	if status, body, header := read("/api/v1/modules/Nope", "*"); status != http.StatusNotFound || body == "" || header.Get("ETag") != "" {
		t.Errorf("not found: %d %v", status, header)
	}
	if status, _, header := read("/api/v1/services/x/logs", "*"); status == http.StatusNotModified || header.Get("ETag") != "" {
		t.Errorf("logs: %d %v", status, header)
	}
}
