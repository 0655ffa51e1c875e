package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

const (
	quietShare = 0.15 // of the processors may be busy
	quietFor   = 500 * time.Millisecond
)

// quiet waits until nothing else keeps the machine busy, so that a compiler
// beside the benchmark does not become a result. A run has so much patience
// altogether, and says when it has lost it.
func (b *bench) quiet(ctx context.Context) error {
	for b.patience > 0 {
		busy, all := ticks()
		if err := sleep(ctx, quietFor); err != nil {
			return err
		}
		busyNow, allNow := ticks()
		if float64(busyNow-busy) <= quietShare*float64(allNow-all) {
			return nil
		}
		if b.patience -= quietFor; b.patience <= 0 {
			note("the machine is busy with other things; measuring all the same from here on")
		}
	}
	return nil
}

// ticks is how long the processors were busy, and altogether.
func ticks() (busy, all int64) {
	text, _ := os.ReadFile("/proc/stat") // empty elsewhere: always quiet
	line, _, _ := strings.Cut(string(text), "\n")
	var user, nice, system, idle, wait, irq, softirq, steal int64
	_, _ = fmt.Sscanf(line, "cpu %d %d %d %d %d %d %d %d", &user, &nice, &system, &idle, &wait, &irq, &softirq, &steal)
	busy = user + nice + system + irq + softirq + steal
	return busy, busy + idle + wait
}
