package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"time"
)

// scrapePause is how often the metrics are read while their cost is measured: far
// more often than Prometheus does.
const scrapePause = time.Second

// shown measures what it costs a warm call that others see it. Two agents on the
// same Nomad differ in nothing else: one writes the access log, sends a span of
// each call to a collector that throws it away, and has its metrics read.
func (b *bench) shown(ctx context.Context) error {
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // what is lost here is the agent's loss
	}))
	defer collector.Close()
	telemetry := fmt.Sprintf("telemetry {\n  open_metrics = true\n  access_log = %q\n  traces = %q\n}", filepath.Join(b.dir, "access.log"), collector.URL+"/v1/traces")
	targets := map[string]*target{}
	names := []string{"silent", "shown"}
	for i, more := range []string{"", telemetry} {
		a, err := b.startAgent(ctx, names[i], "  drivers = [\"raw_exec\"]", more)
		if err != nil {
			return err
		}
		defer a.stop()
		if _, err := b.coldService(ctx, a, names[i], `command = "./answer"`); err != nil {
			return err
		}
		targets[names[i]] = &target{a.url + "/svc/" + names[i], a.process}
		if _, _, err := firstByte(ctx, targets[names[i]].url); err != nil {
			return fmt.Errorf("%w; log of the agent: %s", err, a.log)
		}
		if more == "" {
			continue
		}
		scraping, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- scrape(scraping, a.url+"/metrics") }()
		defer func() {
			stop()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				note("the metrics could not be read: %v", err)
			}
		}()
	}
	lua, err := b.warmUp(ctx, names, targets)
	if err != nil {
		return err
	}
	for _, connections := range []int{1, 32} {
		results, err := b.turns(ctx, lua, names, targets, connections)
		if err != nil {
			return err
		}
		with, without := results["shown"], results["silent"]
		b.table.add(row{what: fmt.Sprintf("warm, %d connections, with metrics, log and spans", connections),
			measured: fmt.Sprintf("%s, %d µs of the processor a call", calls(median(with.rate)), median(with.cpu).Microseconds()),
			against:  fmt.Sprintf("without %s, %d µs", calls(median(without.rate)), median(without.cpu).Microseconds()),
			ratio:    fmt.Sprintf("%.2f of the processor", median(ratios(with.cpu, without.cpu))), command: "scripts/bench shown"}, true)
	}
	return nil
}

// scrape reads the metrics until ctx ends.
func scrape(ctx context.Context, url string) error {
	for {
		if err := get(ctx, url); err != nil {
			return err
		}
		if err := sleep(ctx, scrapePause); err != nil {
			return err
		}
	}
}
