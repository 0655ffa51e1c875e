package simulation

import (
	"testing"

	"github.com/dynsvc/dynsvc/scheduler"
)

func BenchmarkReplay(b *testing.B) {
	t, err := Azure("/work/shared/data/traces/azure-2019-200")
	if err != nil {
		b.Fatal(err)
	}
	rules := scheduler.DefaultRules()
	rules.UsualMemory = 0
	for b.Loop() {
		if _, err := Replay(t, Dynsvc(Alone(), rules), Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(t.Total())*float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}
