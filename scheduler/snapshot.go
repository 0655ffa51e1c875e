package scheduler

import (
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// Snapshot is all that Decide knows.
type Snapshot struct {
	Now      time.Time
	Rules    Rules
	Limits   Limits // the zero value limits nothing
	Services []View // all that have an instance, or might get one
}

// View is one service at the moment of the Snapshot.
type View struct {
	ID       service.ID
	Scale    service.Scale // Max 0: no version of it is known, so nothing is decided
	Owner    string        // whose quota it counts towards
	Instance Size          // what one instance reserves

	Count   int              // desired instances, as the cluster has it
	Pending int              // the count that is being asked of the cluster; 0: none
	Ready   int              // instances that answer and that Consul does not call critical
	Sick    int              // instances that Consul has called critical for more than a moment
	Fresh   bool             // all of this was heard lately; false: hold
	Failed  *service.Failure // why instances are missing; nil: nothing known

	Ill      []Ill       // instances that do not do their work, and are to be replaced
	Replaced []time.Time // when instances of it were replaced, within the last hour, in order

	Phase      service.Phase // the gateway's
	PhaseSince time.Time

	InFlight int     // calls passed on and not yet answered, now
	Queued   int     // calls that wait for an instance, now
	Stable   float64 // calls in flight, averaged over Rules.Stable
	Panic    float64 // calls in flight, averaged over Rules.Panic
	Peak     int     // the most instances that load asked for within Rules.Shrink

	Rate      float64       // calls that ended in a second, over Rules.Stable
	RatePanic float64       // the same over Rules.Panic
	Took      time.Duration // mean time in flight of a call over Rules.Stable; 0: none ended
	Latency   time.Duration // the target's percentile over Rules.Stable; 0: no target, or no calls
	CPU       float64       // MHz that all instances use together, over Rules.Stable
	Memory    float64       // MiB that all instances use together, over Rules.Stable
	CPUKnown  bool          // and so is Memory

	LastBusy   time.Time // zero: not since the agent started
	ReadySince time.Time // zero: no instance answers
	Raised     time.Time // when the count was last raised or adopted
	Changed    time.Time // when the count was last changed or adopted

	Habit     *Habit  // when it is called; nil: too little is known
	Floors    []Floor // windows that are open now
	Stopped   bool    // by an admin: no instance until it is started again
	StoppedBy string
	HeldUntil time.Time // a person's count stays until then
	RetryAt   time.Time // after a failed start, no start of our own before then
}

// Floor is an open window: a minimum for some time.
type Floor struct {
	Name  string
	Min   int
	Until time.Time
}

// Rules are the numbers of the policy that are the same for all services.
type Rules struct {
	Utilisation float64       // share of a version's concurrency that is planned with
	Stable      time.Duration // the window over which load is averaged
	Panic       time.Duration // the short window that notices a jump
	PanicFactor float64       // a jump: Panic asks for this many times the ready instances
	GrowFactor  int           // load asks at once for at most this many times the ready instances; 0: as many as it likes
	GrowLeast   int           // or for so many, where that is more
	Shrink      time.Duration // the count follows the largest demand of this long
	MinLife     time.Duration // least time between a change of the count and a shrink by load
	ColdGrace   time.Duration // how long after its first answer a service's queue is not yet load
	IdleAfter   time.Duration // for versions that do not say
	Price       float64       // of a minute of an idle instance, where a cold start costs 1; 0: habits are not acted upon
	StartCost   float64       // of any start, cold or ahead of a call, in idle minutes
	LeastKnown  int           // idle times of all services that have to be known before habits are acted upon
	UsualMemory int           // MiB of an instance that costs the price; others in proportion; 0: all cost the same
	Stretch     float64       // habits keep an instance without calls for at most this many times idle_after
	LeastIdle   time.Duration // habits do not stop an instance sooner after a call

	ReplaceAfter time.Duration // how long an instance is ill before it is replaced
	ReplaceMost  int           // instances of a service that are replaced within an hour; 0: none
	ReplacePause time.Duration // between the first and the second of them; it doubles
}

// DefaultRules are Knative's windows and factors with a slower way down: each
// start here costs more than a container of a web page. A cold start is worth 50
// minutes of an idle instance.
func DefaultRules() Rules {
	return Rules{
		Utilisation: 0.7,
		Stable:      60 * time.Second,
		Panic:       6 * time.Second,
		PanicFactor: 2,
		GrowFactor:  10,
		GrowLeast:   10,
		Shrink:      5 * time.Minute,
		MinLife:     60 * time.Second,
		ColdGrace:   2 * time.Second,
		IdleAfter:   10 * time.Minute,
		Price:       1.0 / 50,
		StartCost:   1,
		LeastKnown:  100,
		UsualMemory: 512,
		Stretch:     3,
		LeastIdle:   time.Minute,

		ReplaceAfter: time.Minute,
		ReplaceMost:  3,
		ReplacePause: 2 * time.Minute,
	}
}
