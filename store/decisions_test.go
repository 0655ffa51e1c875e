package store_test

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

func TestDecisions(t *testing.T) {
	db := open(t)
	a, b := save(t, db, version("A", "1.0.0", 1)).ID, save(t, db, version("B", "1.0.0", 2)).ID
	add := func(id service.ID, to int, inputs map[string]float64) service.Decision {
		t.Helper()
		d := service.Decision{Service: id, At: epoch, From: 0, To: to, Kind: service.KindWake, Reason: "a call waits", Inputs: inputs,
			Winner: "concurrency", Proposals: []service.Proposal{{Strategy: "concurrency", Count: 12, Reason: "80 calls in flight"}},
			Caps: []service.Cap{{Rule: "max", From: 12, To: to, Reason: "the version's max"}}}
		var err error
		d.ID, err = db.AddDecision(t.Context(), d)
		check(t, err, nil)
		return d
	}
	a1 := add(a, 1, map[string]float64{"queued": 2, "nothing": math.NaN(), "never": math.Inf(1)})
	a1.Inputs = map[string]float64{"queued": 2}
	b1 := add(b, 1, nil)
	a2 := add(a, 2, nil)
	if a1.ID >= b1.ID || b1.ID >= a2.ID {
		t.Errorf("ids %d, %d, %d do not ascend", a1.ID, b1.ID, a2.ID)
	}
	_, err := db.AddDecision(t.Context(), service.Decision{Service: "dyn-none"})
	check(t, err, service.ErrNotFound, "dyn-none")

	check(t, db.FinishDecision(t.Context(), a1.ID, "applied"), nil)
	check(t, db.FinishDecision(t.Context(), a1.ID, "applied"), nil)
	check(t, db.FinishDecision(t.Context(), a1.ID, "refused"), service.ErrConflict, "applied")
	check(t, db.FinishDecision(t.Context(), 99, "applied"), service.ErrNotFound)
	a1.Outcome = "applied"

	tests := []struct {
		name   string
		id     service.ID
		before int64
		limit  int
		want   []service.Decision
	}{
		{"one service", a, 0, 0, []service.Decision{a2, a1}},
		{"all", "", 0, 0, []service.Decision{a2, b1, a1}},
		{"first page", "", 0, 2, []service.Decision{a2, b1}},
		{"next page", "", b1.ID, 2, []service.Decision{a1}},
		{"after the end", a, a1.ID, 0, []service.Decision{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := db.Decisions(t.Context(), tt.id, tt.before, tt.limit)
			check(t, err, nil)
			equal(t, got, tt.want)
		})
	}
	_, err = db.Decisions(t.Context(), "dyn-none", 0, 0)
	check(t, err, service.ErrNotFound)
	last, err := db.LastDecisions(t.Context())
	check(t, err, nil)
	equal(t, last, map[service.ID]service.Decision{a: a2, b: b1})
}

// What it costs to have a change on disk before it is acknowledged. NORMAL
// is what the choice of FULL is measured against.
func BenchmarkAddDecision(b *testing.B) {
	for _, level := range []string{"FULL", "NORMAL"} {
		b.Run(level, func(b *testing.B) {
			db, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "dynsvc.db"), hclog.NewNullLogger(), store.WithSynchronous(level))
			check(b, err, nil)
			defer func() { check(b, db.Close(), nil) }()
			d := service.Decision{Service: fill(b, db, 1)[0], At: epoch, To: 1, Kind: service.KindWake, Reason: "a call waits"}
			for b.Loop() {
				_, err := db.AddDecision(b.Context(), d)
				check(b, err, nil)
			}
		})
	}
}

// The same where many callers wait at once.
func BenchmarkAddDecisionTogether(b *testing.B) {
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			db := open(b)
			d := service.Decision{Service: fill(b, db, 1)[0], At: epoch, To: 1, Kind: service.KindWake, Reason: "a call waits"}
			b.SetParallelism(callers)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					_, err := db.AddDecision(b.Context(), d)
					check(b, err, nil)
				}
			})
		})
	}
}
