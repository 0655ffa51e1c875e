package repos_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/journal"
	"github.com/dynsvc/dynsvc/repos"
	"github.com/dynsvc/dynsvc/service"
)

func TestLogsOfRegistrationsArePruned(t *testing.T) {
	d := open(t, repos.Options{})
	var ids []int64
	for _, url := range []string{"http://127.0.0.1:9/a", "http://127.0.0.1:9/a", "http://127.0.0.1:9/b"} {
		p, _ := d.pull(repos.Source{URL: url}, "")
		if p.ID == 0 {
			t.Fatalf("%s was not asked for: %s", url, p.Error)
		}
		ids = append(ids, p.ID)
	}
	if n, err := d.Prune(t.Context(), time.Now(), journal.Retention{Age: time.Hour, Each: 2}); err != nil || n != 0 {
		t.Errorf("removed %d new logs, %v", n, err)
	}
	if n, err := d.Prune(t.Context(), time.Now().Add(2*time.Hour), journal.Retention{Age: time.Hour, Each: 2}); err != nil || n != 1 {
		t.Errorf("removed %d, %v, want the older one of the first repository", n, err)
	}
	for i, id := range ids {
		var log bytes.Buffer
		err := d.Log(t.Context(), &log, id, false)
		if gone := errors.Is(err, service.ErrNotFound); gone != (i == 0) {
			t.Errorf("the log of registration %d: %q, %v", id, log.String(), err)
		}
		if _, err := d.db.Pull(t.Context(), id); err != nil {
			t.Errorf("registration %d is forgotten: %v", id, err)
		}
	}
}
