package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/gateway"
)

func TestTheAccessLogGoesOnInANewFileWhenTheOldOneWasMoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	a, err := openAccessLog(path, nil, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	again, ran := make(chan os.Signal), make(chan error, 1)
	go func() { ran <- a.run(ctx, again) }()
	a.add(&gateway.Ended{RequestID: "one"})
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	again <- syscall.SIGHUP
	again <- syscall.SIGHUP // taken when the first is done with
	a.add(&gateway.Ended{RequestID: "two", Status: 200})
	cancel()
	if err := <-ran; err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{path + ".1": "one", path: "two"} {
		text, err := os.ReadFile(file)
		var got gateway.Ended
		if err := errors.Join(err, json.Unmarshal(text, &got)); err != nil || got.RequestID != want || !strings.HasSuffix(string(text), "}\n") {
			t.Errorf("%s: %s, %v", file, text, err)
		}
	}
}

// full is a disk that is.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestCallsDoNotWaitForTheAccessLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, err := openAccessLog("stdout", full{}, hclog.NewNullLogger())
		if err != nil {
			t.Fatal(err)
		}
		long := &gateway.Ended{Path: strings.Repeat("x", 1<<20)}
		for range 5 {
			a.add(long)
		}
		if n := a.dropped.Load(); n != 2 {
			t.Errorf("%d lost with no room, want 2", n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := a.run(ctx, nil); err != nil {
			t.Fatal(err)
		}
		if n := a.dropped.Load(); n != 5 {
			t.Errorf("%d lost in the end, want 5", n)
		}
	})
}

func TestAnAccessLogThatCannotBeOpenedIsSaid(t *testing.T) {
	if _, err := openAccessLog(filepath.Join(t.TempDir(), "no", "access.log"), nil, hclog.NewNullLogger()); err == nil || !strings.Contains(err.Error(), "open the access log") {
		t.Errorf("got %v", err)
	}
}
