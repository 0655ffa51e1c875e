package journal_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/journal"
	"github.com/dynsvc/dynsvc/service"
)

func begin(t *testing.T) (*journal.Journal, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	j, err := journal.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	return j, path
}

func TestAJournalIsFollowedToItsEnd(t *testing.T) {
	j, path := begin(t)
	r, w := io.Pipe()
	followed := make(chan error, 1)
	go func() {
		err := j.Follow(t.Context(), w)
		w.CloseWithError(err)
		followed <- err
	}()
	for _, line := range []string{"one\n", "two\n"} {
		if _, err := io.WriteString(j, line); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(line))
		if _, err := io.ReadFull(r, got); err != nil || string(got) != line {
			t.Fatalf("followed %q, %v", got, err)
		}
	}
	for range 2 { // who ends it last finds it ended
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.WriteString(j, "late"); err != nil {
		t.Error(err)
	}
	if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 || <-followed != nil {
		t.Errorf("rest %q, %v", rest, err)
	}
	var all bytes.Buffer
	if err := journal.Copy(t.Context(), &all, path); err != nil || all.String() != "one\ntwo\n" {
		t.Errorf("copied %q, %v", all.String(), err)
	}
}

func TestAFollowerLeaves(t *testing.T) {
	j, _ := begin(t)
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if err := j.Follow(ctx, io.Discard); err != nil {
		t.Error(err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

func TestAJournalIsBounded(t *testing.T) {
	j, path := begin(t)
	line := strings.Repeat("x", 1<<20)
	for range 20 {
		if n, err := io.WriteString(j, line); n != len(line) || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	if err := journal.Copy(t.Context(), &all, path); err != nil {
		t.Fatal(err)
	}
	if all.Len() > journal.Limit+100 || strings.Count(all.String(), "the rest of the log is left out") != 1 {
		t.Errorf("%d bytes", all.Len())
	}
	if err := journal.Copy(t.Context(), io.Discard, path+".none"); !errors.Is(err, service.ErrNotFound) {
		t.Errorf("a journal that is not there: %v", err)
	}
}
