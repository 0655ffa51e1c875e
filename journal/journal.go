// Package journal keeps logs of what takes long: files that grow while their readers
// follow them, up to a size. It knows nothing of what is logged; registrations from
// git and builds of images are.
package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/dynsvc/dynsvc/service"
)

// Limit is how much a journal takes, in bytes: what says too much does not fill the disk.
const Limit = 16 << 20

// Journal is a log that is being written.
type Journal struct {
	path string

	mu      sync.Mutex // guards what follows
	file    *os.File
	size    int64
	ended   bool
	changed chan struct{} // closed with every change
}

// Create begins a journal in a file, in place of what is there.
func Create(path string) (*Journal, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("begin a log: %w", err)
	}
	return &Journal{path: path, file: f, changed: make(chan struct{})}, nil
}

// Write appends to the journal. What is beyond the limit, or comes after its end, is
// dropped; the former after a line that says so.
func (j *Journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ended || j.size > Limit {
		return len(p), nil
	}
	text := p
	if j.size+int64(len(p)) > Limit {
		text = []byte("\n… the rest of the log is left out\n")
		j.size = Limit
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

// Close ends the journal, and those who follow it.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ended {
		return nil
	}
	j.ended = true
	close(j.changed)
	return j.file.Close()
}

// progress returns whether more will come, and a channel that is closed when there is
// more or that changes.
func (j *Journal) progress() (ended bool, changed <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.ended, j.changed
}

// Follow writes the journal to w, and what is added to it until it ends or ctx does.
func (j *Journal) Follow(ctx context.Context, w io.Writer) error { return read(ctx, w, j.path, j) }

// Copy writes the journal in a file to w as it is now.
func Copy(ctx context.Context, w io.Writer, path string) error { return read(ctx, w, path, nil) }

func read(ctx context.Context, w io.Writer, path string, j *Journal) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return service.Errorf(service.ErrNotFound, "there is no log of it, or none any more")
	}
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was only read
	for {
		var ended bool
		var changed <-chan struct{}
		if ended = j == nil; !ended {
			ended, changed = j.progress()
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
