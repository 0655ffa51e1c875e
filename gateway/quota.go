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

	SpareLocal bool // callers without a name on this machine have no limit
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
	by     map[payer]*account
	shared map[bool]*account // of those for whom there is no room, by whether they are known
}

// payer is whose an account is.
type payer struct {
	known bool
	name  string // of the caller or, where it is not known, its household
}

// account is what one caller has asked for.
type account struct {
	shard    *accountShard
	limiter  *rate.Limiter // nil: no limit
	inFlight int
}

// newAccounts returns nil where there is nothing to limit.
func newAccounts(limits CallerLimits) *accounts {
	if limits.Known == (Quota{}) && limits.Anonymous == (Quota{}) {
		return nil
	}
	return &accounts{limits: limits, seed: maphash.MakeSeed()}
}

// enter counts a call, until the account is left, or says why there are too many.
// A nil account is that of a caller without limits.
func (a *accounts) enter(c service.Caller, from service.Peer, now time.Time) (*account, error) {
	if a == nil || c.From == service.FromConfig {
		return nil, nil
	}
	quota, key := a.limits.Known, payer{true, c.Name}
	if !c.Known() {
		if quota = a.limits.Anonymous; from.Local && a.limits.SpareLocal {
			return nil, nil
		}
		key = payer{false, from.Household()}
	}
	if quota == (Quota{}) {
		return nil, nil
	}
	s := &a.shards[maphash.Comparable(a.seed, key)%accountShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	acc := s.find(key, quota, now)
	if quota.InFlight > 0 && acc.inFlight >= quota.InFlight {
		return nil, &service.LimitError{Text: fmt.Sprintf("%s has %d calls in flight, which is all that one caller may have: wait for an answer%s", whose(c), acc.inFlight, nameless(c)), After: time.Second}
	}
	if acc.limiter != nil {
		r := acc.limiter.ReserveN(now, 1)
		if wait := r.DelayFrom(now); wait > 0 {
			r.CancelAt(now)
			return nil, &service.LimitError{Text: fmt.Sprintf("%s calls more often than the %g times a second that one caller may: try again a little later%s", whose(c), quota.Rate, nameless(c)), After: wait}
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

// nameless tells who has no name what else would help.
func nameless(c service.Caller) string {
	if c.Known() {
		return ""
	}
	return ", or send a token, for callers with a name have limits of their own"
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

func (s *accountShard) find(key payer, quota Quota, now time.Time) *account {
	if acc, ok := s.by[key]; ok {
		return acc
	}
	if len(s.by) >= maxAccounts/accountShards && !s.makeRoom(now) {
		if s.shared == nil {
			s.shared = make(map[bool]*account)
		}
		if s.shared[key.known] == nil {
			s.shared[key.known] = s.open(quota)
		}
		return s.shared[key.known]
	}
	if s.by == nil {
		s.by = make(map[payer]*account)
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
