package jobs

import (
	"crypto/subtle"
	"math"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// messageLimit is how much is kept of what a method says it is doing.
const messageLimit = 1000

// Report takes in what a method says about how far it is. The secret is the one
// in the URL that only the instance of this attempt was told.
func (q *Queue) Report(id, secret string, fraction *float64, message *string) error {
	r := q.runOf(id)
	if r == nil || subtle.ConstantTimeCompare([]byte(secret), []byte(r.secret)) != 1 {
		return service.Errorf(service.ErrNotFound, "no attempt of a call job that runs reports here")
	}
	r.mu.Lock()
	if fraction != nil && !math.IsNaN(*fraction) {
		r.progress = new(min(max(*fraction, 0), 1))
	}
	if message != nil {
		r.message = new(cutText(*message))
	}
	r.mu.Unlock()
	q.watches.tell(id)
	return nil
}

// cutText shortens a text to what is kept, at the end of a character.
func cutText(s string) string {
	if len(s) > messageLimit {
		s = s[:messageLimit]
	}
	return strings.ToValidUTF8(s, "")
}
