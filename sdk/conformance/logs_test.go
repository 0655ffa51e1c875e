package conformance

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLogsAreObjects(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt runtime) {
		e := start(t, rt, "LOG_LEVEL=debug", "DYNSVC_ALLOC=a-1")
		e.call(within(t), "greet", `["not for logs"]`, "Authorization", "T0KEN", "X-Request-Id", "r-0").must(t, "Hello, not for logs")
		e.call(within(t), "crash", "[]", "X-Request-Id", "r-1", "X-Dynsvc-Job", "j1")
		e.call(within(t), "unspeakable", "[]", "X-Request-Id", "r-2")
		e.said(t, 1, `"r-1"`, `"error"`, "secret cause", `"Echo.crash"`, `"j1"`)
		e.said(t, 1, `"r-2"`, `"error"`, `"Echo.unspeakable"`)
		e.said(t, 1, `"r-0"`, `"debug"`, `"Echo.greet"`, `"took_ms"`)
		text, _ := e.out.read()
		for line := range strings.Lines(text) {
			var entry struct {
				Time, Level, Msg string
				Alloc            string
			}
			if err := json.Unmarshal([]byte(line), &entry); err != nil {
				t.Errorf("%v: %s", err, line)
				continue
			}
			at, err := time.Parse(time.RFC3339Nano, entry.Time)
			if err != nil || time.Since(at).Abs() > time.Hour || !strings.HasSuffix(entry.Time, "Z") {
				t.Errorf("time %q is not RFC 3339 in UTC: %v", entry.Time, err)
			}
			if !slices.Contains([]string{"debug", "info", "warn", "error"}, entry.Level) || entry.Msg == "" || entry.Alloc != "a-1" {
				t.Errorf("level, msg and alloc are to be there: %s", line)
			}
		}
		for _, secret := range []string{"T0KEN", "not for logs"} {
			if strings.Contains(text, secret) {
				t.Errorf("%q stands in the log", secret)
			}
		}
	})
}

func TestLogLevelIsObeyed(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt runtime) {
		e := start(t, rt, "LOG_LEVEL=error")
		e.call(within(t), "add", "[1,2]", "X-Dynsvc-Job", "j1").must(t, 3.0)
		e.call(within(t), "crash", "[]")
		e.said(t, 1, "secret cause")
		text, _ := e.out.read()
		if n := strings.Count(text, "\n"); n != 1 {
			t.Errorf("%d lines, want the error alone:\n%s", n, text)
		}
	})
}
