package scheduler_test

import (
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/scheduler"
	"github.com/dynsvc/dynsvc/service"
)

// 10 000 services, of which 200 are in use: one look at all of them.
func BenchmarkTick(b *testing.B) { tick(b, 200) }

// The same where 2 000 of them have been called every hour of the last day.
func BenchmarkTickHabits(b *testing.B) { tick(b, 2000) }

func tick(b *testing.B, known int) {
	b.Helper()
	const services, active = 10_000, 200
	now := time.Now()
	db := openStore(b, known)
	b.Cleanup(func() { _ = db.Close() }) // the folder goes with it
	c, g := newCluster(), newGate()
	e := scheduler.New(db, c, g, hclog.NewNullLogger(), scheduler.Options{})
	var samples []service.Sample
	recall := func() {
		if err := db.AddSamples(b.Context(), samples); err != nil {
			b.Fatal(err)
		}
		if err := scheduler.Recall(e, b.Context(), now); err != nil {
			b.Fatal(err)
		}
	}
	for i := range services {
		if i == known { // the others are in no store, and were never called
			recall()
		}
		v := version(i)
		if i%3 == 0 {
			v.Scale.Windows = []service.Window{{
				Name: "office hours", Cron: "0 8 * * 1-5", TimeZone: "America/Los_Angeles",
				Duration: service.Duration{Duration: time.Nanosecond}, Min: 1,
			}}
		}
		e.Publish(service.Module{Name: v.Module, Versions: []service.Version{v}})
		for hour := range 24 {
			if i >= active && i < known {
				at := now.Add(-time.Duration(60*hour+1+i%60) * time.Minute).Truncate(time.Minute)
				samples = append(samples, service.Sample{Service: v.ID, Start: at, Width: service.Duration{Duration: time.Minute}, Calls: 1, Busy: time.Second})
			}
		}
		if i >= active {
			c.put(v.ID, 0)
			continue
		}
		c.put(v.ID, 2)
		g.put(service.Load{ID: v.ID, Phase: service.Ready, InFlight: 12, Ready: 2, LastBusy: now, Since: now.Add(-time.Hour)})
		const width = 5 * time.Second
		for ago := time.Minute; ago > 0; ago -= width {
			samples = append(samples, service.Sample{
				Service: v.ID, Start: now.Add(-ago), Width: service.Duration{Duration: width}, Calls: 100, Busy: 12 * width,
			})
		}
	}
	c.freeze(true)
	scheduler.Tick(e, b.Context(), now) // adopts what runs
	b.ReportAllocs()
	for b.Loop() {
		scheduler.Tick(e, b.Context(), now)
	}
	if n := c.count(version(0).ID); n != 2 {
		b.Errorf("count = %d, want the 2 that the load asks for", n)
	}
}

// What a wake adds to the time that the cluster takes: one stored decision.
func BenchmarkWake(b *testing.B) {
	db := openStore(b, 1)
	b.Cleanup(func() { _ = db.Close() }) // the folder goes with it
	c := newCluster(a)
	v := version(0)
	for b.Loop() {
		b.StopTimer()
		c.put(a, 0)
		e := scheduler.New(db, c, newGate(), hclog.NewNullLogger(), scheduler.Options{})
		e.Publish(service.Module{Name: v.Module, Versions: []service.Version{v}})
		b.StartTimer()
		if err := e.Wake(b.Context(), a); err != nil {
			b.Fatal(err)
		}
	}
}
