package repos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/dynsvc/dynsvc/service"
)

// journal is the log of one pull: a file that grows while it runs. It ends at a
// size, so that a build that says too much does not fill the disk.
type journal struct {
	finished bool // somebody ends the registration; Registrar.mu guards it

	mu      sync.Mutex // guards what follows
	file    *os.File
	size    int64
	ended   bool
	changed chan struct{} // closed with every change
}

// journalLimit is how much a pull may say, in bytes.
const journalLimit = 16 << 20

func journalPath(dir string, id int64) string { return filepath.Join(dir, fmt.Sprintf("%d.log", id)) }

func newJournal(dir string, id int64) (*journal, error) {
	f, err := os.Create(journalPath(dir, id))
	if err != nil {
		return nil, fmt.Errorf("make the log of registration %d: %w", id, err)
	}
	return &journal{file: f, changed: make(chan struct{})}, nil
}

// Write appends to the log. What is beyond the limit is dropped, after a line that
// says so.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ended || j.size > journalLimit {
		return len(p), nil
	}
	text := p
	if j.size+int64(len(p)) > journalLimit {
		text = []byte("\n… the rest of the log is left out\n")
		j.size = journalLimit
	}
	n, err := j.file.Write(text)
	j.size += int64(n)
	close(j.changed)
	j.changed = make(chan struct{})
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

func (j *journal) end() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ended = true
	close(j.changed)
	return j.file.Close()
}

// progress returns how much there is, whether more will come, and a channel that is
// closed when either changes.
func (j *journal) progress() (size int64, ended bool, changed <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.size, j.ended, j.changed
}

// copyLog writes a log to w, and what is added to it until it ends if j is given.
func copyLog(ctx context.Context, w io.Writer, dir string, id int64, j *journal) error {
	f, err := os.Open(journalPath(dir, id))
	if errors.Is(err, fs.ErrNotExist) {
		return service.Errorf(service.ErrNotFound, "there is no log of registration %d", id)
	}
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was only read
	for {
		var ended bool
		var changed <-chan struct{}
		if ended = j == nil; !ended {
			_, ended, changed = j.progress()
		}
		if _, err := io.Copy(w, f); err != nil {
			return err
		}
		if ended {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}
