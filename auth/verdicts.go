package auth

import (
	"sync"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// verdict is what is known of a token for a while.
type verdict struct {
	caller service.Caller
	err    error
	until  time.Time
}

// verdicts remembers a bounded number of verdicts, those that were asked for lately.
// It has two generations: when the young one is full it becomes the old one, and what
// is asked for in the old one moves to the young.
type verdicts struct {
	shards [shards]shard
	half   int // entries of one generation of a shard
}

const shards = 16

type shard struct {
	mu         sync.Mutex // guards both
	young, old map[hash]verdict
}

func newVerdicts(size int) *verdicts { return &verdicts{half: max(1, size/shards/2)} }

func (c *verdicts) get(h hash, now time.Time) (verdict, bool) {
	s := &c.shards[h[0]%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.young[h]
	if !ok {
		if v, ok = s.old[h]; ok {
			delete(s.old, h)
			s.put(h, v, c.half)
		}
	}
	if ok && !now.Before(v.until) {
		delete(s.young, h)
		return verdict{}, false
	}
	return v, ok
}

func (c *verdicts) put(h hash, v verdict) {
	s := &c.shards[h[0]%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(h, v, c.half)
}

func (s *shard) put(h hash, v verdict, half int) {
	if len(s.young) >= half {
		s.young, s.old = nil, s.young
	}
	if s.young == nil {
		s.young = make(map[hash]verdict)
	}
	s.young[h] = v
}
