package repos

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/journal"
)

// Prune removes the logs of registrations that are not to be kept, and returns how
// many they were. That there were such registrations stays known. A repository stands
// for its module, which a registration that failed early does not know.
func (r *Registrar) Prune(ctx context.Context, now time.Time, keep journal.Retention) (removed int, err error) {
	old, err := journal.Outdated(r.opts.Dir, now, keep, func(name string) string {
		if id, ok := idOf(name); ok {
			if p, err := r.db.Pull(ctx, id); err == nil {
				return p.URL
			}
		}
		return "" // nobody can ask for it
	})
	if err != nil || ctx.Err() != nil {
		return 0, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return journal.Remove(r.opts.Dir, old, func(name string) bool {
		id, _ := idOf(name)
		return r.journals[id] != nil
	})
}

// idOf is the registration that a log's file is of.
func idOf(name string) (id int64, ok bool) {
	id, err := strconv.ParseInt(strings.TrimSuffix(name, journal.Suffix), 10, 64)
	return id, err == nil
}
