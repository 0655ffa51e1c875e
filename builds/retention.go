package builds

import (
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/journal"
)

// Prune removes the logs that are not to be kept, and returns how many they were.
func (b *Builder) Prune(now time.Time, keep journal.Retention) (removed int, err error) {
	old, err := journal.Outdated(b.opts.Dir, now, keep, func(name string) string {
		module, _, _ := strings.Cut(name, "-") // which no module's name has
		return module
	})
	if err != nil {
		return 0, err
	}
	// A build of the same files, which would write the log anew, begins before or after.
	b.mu.Lock()
	defer b.mu.Unlock()
	writing := map[string]bool{}
	for key := range b.builds {
		writing[logName(key)] = true
	}
	return journal.Remove(b.opts.Dir, old, func(name string) bool { return writing[name] })
}
