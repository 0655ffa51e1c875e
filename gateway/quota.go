package gateway

import (
	"fmt"
	"hash/maphash"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/dynsvc/dynsvc/service"
)

// Quota bounds what one caller may ask for. The zero value bounds nothing.
type Quota struct {
	Rate     float64 // calls a second, over time; 0: no limit
	Burst    int     // calls at once, within Rate; 0: Rate, at least 1
	InFlight int     // calls that are not answered yet; 0: no limit
}

// CallerLimits bound what each caller may ask for of all services together. The
// operator's own token is never limited.
type CallerLimits struct {
	Known     Quota // of a caller with a name
	Anonymous Quota // of an address, or a /64 of IPv6, from which calls without a name come
}

// maxAccounts bounds the callers that are told apart. Those beyond share.
const maxAccounts = 16_384

const accountShards = 16

// accounts keeps what callers have asked for lately.
type accounts struct {
	limits CallerLimits
	seed   maphash.Seed
	shards [accountShards]accountShard
}

type accountShard struct {
	mu     sync.Mutex // guards all below, the accounts too
	by     map[string]*account
	shared map[bool]*account // of those for whom there is no room, by whether they are known
}

// account is what one caller has asked for.
type account struct {
	shard    *accountShard
	limiter  *rate.Limiter // nil: no limit
	inFlight int
}

// newAccounts returns nil where there is nothing to limit.
func newAccounts(limits CallerLimits) *accounts {
	if limits == (CallerLimits{}) {
		return nil
	}
	return &accounts{limits: limits, seed: maphash.MakeSeed()}
}

// limitedError refuses a call because its caller asked for too much.
type limitedError struct {
	text  string
	after time.Duration // until it makes sense to try again
}

func (e *limitedError) Error() string { return e.text }

// Is makes it one of kind [service.ErrLimited].
func (e *limitedError) Is(target error) bool { return target == service.ErrLimited }

// enter counts a call, until the account is left, or says why there are too many. addr
// has no port.
// A nil account is that of a caller without limits.
func (a *accounts) enter(c service.Caller, addr string, now time.Time) (*account, error) {
	if a == nil || c.From == service.FromConfig {
		return nil, nil
	}
	quota, key := a.limits.Known, "user "+c.Name
	if !c.Known() {
		quota = a.limits.Anonymous
		key = "addr " + household(addr)
	}
	if quota == (Quota{}) {
		return nil, nil
	}
	s := &a.shards[maphash.String(a.seed, key)%accountShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	acc := s.find(key, c.Known(), quota, now)
	if quota.InFlight > 0 && acc.inFlight >= quota.InFlight {
		return nil, &limitedError{fmt.Sprintf("%s has %d calls in flight, which is all that one caller may have: wait for an answer", whose(c), acc.inFlight), time.Second}
	}
	if acc.limiter != nil {
		r := acc.limiter.ReserveN(now, 1)
		if wait := r.DelayFrom(now); wait > 0 {
			r.CancelAt(now)
			return nil, &limitedError{fmt.Sprintf("%s calls more often than the %g times a second that one caller may: try again a little later", whose(c), quota.Rate), wait}
		}
	}
	acc.inFlight++
	return acc, nil
}

func whose(c service.Caller) string {
	if c.Known() {
		return c.Name
	}
	return "your address"
}

// leave gives back what enter counted.
func (acc *account) leave() {
	if acc == nil {
		return
	}
	acc.shard.mu.Lock()
	defer acc.shard.mu.Unlock()
	acc.inFlight--
}

func (s *accountShard) find(key string, known bool, quota Quota, now time.Time) *account {
	if acc, ok := s.by[key]; ok {
		return acc
	}
	if len(s.by) >= maxAccounts/accountShards && !s.makeRoom(now) {
		if s.shared == nil {
			s.shared = make(map[bool]*account)
		}
		if s.shared[known] == nil {
			s.shared[known] = s.open(quota)
		}
		return s.shared[known]
	}
	if s.by == nil {
		s.by = make(map[string]*account)
	}
	acc := s.open(quota)
	s.by[key] = acc
	return acc
}

// makeRoom forgets callers who have nothing in flight and all of their burst: one who
// is forgotten gains nothing by it. It looks at a few only.
func (s *accountShard) makeRoom(now time.Time) bool {
	const few = 16
	looked, freed := 0, false
	for key, acc := range s.by { // in no order, so others are looked at each time
		if acc.inFlight == 0 && (acc.limiter == nil || acc.limiter.TokensAt(now) >= float64(acc.limiter.Burst())) {
			delete(s.by, key)
			freed = true
		}
		if looked++; looked == few {
			break
		}
	}
	return freed
}

func (s *accountShard) open(q Quota) *account {
	acc := &account{shard: s}
	if q.Rate > 0 {
		burst := q.Burst
		if burst == 0 {
			burst = max(1, int(math.Ceil(q.Rate)))
		}
		acc.limiter = rate.NewLimiter(rate.Limit(q.Rate), burst)
	}
	return acc
}
