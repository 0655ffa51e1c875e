package sdk

import (
	"io"
	"log/slog"
	"strings"
	"time"
)

// newLogger writes one JSON object a line, from that level on.
func newLogger(w io.Writer, level slog.Level, alloc string) *slog.Logger {
	log := slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: plain}))
	if alloc != "" {
		log = log.With("alloc", alloc)
	}
	return log
}

// plain writes level and time as the runtimes for other languages do.
func plain(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch value := a.Value.Any().(type) {
	case slog.Level:
		if a.Key == slog.LevelKey {
			return slog.String(a.Key, strings.ToLower(value.String()))
		}
	case time.Time:
		if a.Key == slog.TimeKey {
			return slog.String(a.Key, value.UTC().Format("2006-01-02T15:04:05.000Z"))
		}
	}
	return a
}
