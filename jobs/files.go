package jobs

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// files is the folder of the results that are too large for the database.
type files struct{ dir string }

const (
	resultSuffix = ".json"
	partSuffix   = ".part"
)

// result is the file of what an attempt returned.
func (f files) result(id string, attempt int) string {
	return filepath.Join(f.dir, id+"."+strconv.Itoa(attempt)+resultSuffix)
}

func (f files) spool(id string, attempt int) *spool {
	final := f.result(id, attempt)
	return &spool{path: final + partSuffix, final: final}
}

// remove deletes the results of a job, if there are any.
func (f files) remove(id string) error {
	names, err := filepath.Glob(filepath.Join(f.dir, id+".*"))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// sweepFiles deletes what an agent left that died between writing a file and
// storing that it did, or between forgetting a job and deleting its file.
func (q *Queue) sweepFiles(ctx context.Context) error {
	entries, err := os.ReadDir(q.files.dir)
	if err != nil {
		return fmt.Errorf("read the folder of results: %w", err)
	}
	for _, e := range entries {
		id, rest, _ := strings.Cut(e.Name(), ".")
		if strings.HasSuffix(rest, resultSuffix) {
			job, err := q.db.CallJob(ctx, id)
			if err == nil && job.State == service.JobDone && strconv.Itoa(job.Attempts)+resultSuffix == rest {
				continue
			}
			if err != nil && !notFound(err) {
				return err
			}
		}
		if err := os.Remove(filepath.Join(q.files.dir, e.Name())); err != nil {
			return fmt.Errorf("delete what is left of a result: %w", err)
		}
	}
	return nil
}

// syncFolder makes the name of a new file last.
func syncFolder(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("sync the folder of results: %w", err)
	}
	defer d.Close() //nolint:errcheck // only read
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync the folder of results: %w", err)
	}
	return nil
}
