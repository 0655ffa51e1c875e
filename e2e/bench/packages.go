package main

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// packages runs the packages' own benchmarks that have budgets.
func (b *bench) packages(ctx context.Context) error {
	if err := b.quiet(ctx); err != nil {
		return err
	}
	for _, t := range []struct{ name, what string }{
		{"Tick", "policy tick, 10 000 services, 200 active, one core"},
		{"TickHabits", "the same, 2 000 of them with habits of a day"},
	} {
		tick, err := goBench(ctx, "1", "./scheduler", "Benchmark"+t.name, "ns/op")
		if err != nil {
			return err
		}
		b.table.add(row{what: t.what, measured: fmt.Sprintf("%.1f ms", tick/1e6), ratio: fmt.Sprintf("%.2f", tick/50e6), budget: "≤ 50 ms",
			command: "go test -run - -bench '" + t.name + "$' -cpu 1 ./scheduler"}, tick <= 50e6)
	}
	if err := b.stats(ctx); err != nil {
		return err
	}
	samples, err := goBench(ctx, "2", "./store", "BenchmarkAddSamples", "samples/s")
	if err != nil {
		return err
	}
	b.table.add(row{what: "samples into SQLite, batches of 10 000", measured: fmt.Sprintf("%.0f k/s", samples/1000), budget: "≥ 200 k/s",
		command: "go test -run - -bench AddSamples ./store"}, samples >= 200e3)
	return nil
}

// stats measures what the statistics and the simulator are asked for.
func (b *bench) stats(ctx context.Context) error {
	slowest := 0.0
	for _, q := range []string{"year_by_hours", "year_by_days", "year_as_a_sum"} {
		took, err := goBench(ctx, "1", "./store", "BenchmarkUsage/"+q, "ns/op")
		if err != nil {
			return err
		}
		slowest = max(slowest, took)
	}
	b.table.add(row{what: "statistics: a year of hours, 1 000 services, the slowest question", measured: fmt.Sprintf("%.0f ms", slowest/1e6), ratio: fmt.Sprintf("%.2f", slowest/100e6), budget: "≤ 100 ms",
		command: "go test -run - -bench Usage ./store"}, slowest <= 100e6)
	calls, err := goBench(ctx, "1", "./simulation", "BenchmarkReplay", "calls/s")
	if err != nil {
		return err
	}
	b.table.add(row{what: "policy simulate, one core", measured: fmt.Sprintf("%.1f M calls/s", calls/1e6), ratio: fmt.Sprintf("%.2f", calls/1e6), budget: "≥ 1 M/s",
		command: "go test -run - -bench Replay -cpu 1 ./simulation"}, calls >= 1e6)
	return nil
}

// goBench runs one benchmark five times and returns the median of a unit.
func goBench(ctx context.Context, cpu, pkg, name, unit string) (float64, error) {
	out, err := exec.CommandContext(ctx, "go", "test", "-run", "-", "-bench", "^"+name+"$", "-count", "5", "-cpu", cpu, pkg).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%s: %w: %s", name, err, out)
	}
	var values []float64
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		for i := 1; i < len(fields); i++ {
			if fields[i] != unit || !strings.HasPrefix(fields[0], name) {
				continue
			}
			v, err := strconv.ParseFloat(fields[i-1], 64)
			if err != nil {
				return 0, err
			}
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		return 0, fmt.Errorf("%s printed no %s: %s", name, unit, out)
	}
	note("%s: %v %s", name, values, unit)
	return median(values), nil
}
