package sdk

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"
)

// environment is what the platform tells the program.
type environment struct {
	host, port string
	module     string // "": not told
	version    string
	gitURL     string
	gitCommit  string
	alloc      string
	grace      time.Duration
	level      slog.Level
}

// readEnvironment returns what it could read, and what is wrong with the rest.
func readEnvironment() (environment, error) {
	env := environment{
		host: "0.0.0.0", port: "5000",
		module: os.Getenv("DYNSVC_MODULE"), version: os.Getenv("DYNSVC_VERSION"),
		gitURL: os.Getenv("DYNSVC_GIT_URL"), gitCommit: os.Getenv("DYNSVC_GIT_COMMIT"),
		alloc: os.Getenv("DYNSVC_ALLOC"), grace: 30 * time.Second,
	}
	var faults []error
	if host := os.Getenv("HOST"); host != "" {
		env.host = host
	}
	if port := os.Getenv("PORT"); port != "" {
		env.port = port
		if n, err := strconv.ParseUint(port, 10, 16); err != nil {
			faults = append(faults, fmt.Errorf("$PORT must be a number from 0 to 65535, not %q", port))
		} else {
			env.port = strconv.FormatUint(n, 10)
		}
	}
	if grace := os.Getenv("DYNSVC_STOP_GRACE"); grace != "" {
		var err error
		if env.grace, err = parseGrace(grace); err != nil {
			faults = append(faults, err)
		}
	}
	if level := os.Getenv("LOG_LEVEL"); level != "" {
		var err error
		if env.level, err = parseLevel(level); err != nil {
			faults = append(faults, err)
		}
	}
	return env, errors.Join(faults...)
}

// parseGrace reads a duration, or a number of seconds.
func parseGrace(text string) (time.Duration, error) {
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return d, nil
	}
	if s, err := strconv.ParseFloat(text, 64); err == nil && s >= 0 && s < 1e6 {
		return time.Duration(s * float64(time.Second)), nil
	}
	return 0, fmt.Errorf("$DYNSVC_STOP_GRACE must be a duration such as 30s or 1m30s, not %q", text)
}

func parseLevel(text string) (slog.Level, error) {
	switch strings.ToLower(text) {
	case "trace", "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warn", "warning":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return slog.LevelInfo, fmt.Errorf("$LOG_LEVEL must be debug, info, warn or error, not %q", text)
}
