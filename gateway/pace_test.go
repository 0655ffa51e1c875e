package gateway

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// Only the time that is spent waiting for the caller counts.
func TestAPaceIsOwedWhileSomebodyWaits(t *testing.T) {
	tests := []struct {
		name string
		each int           // bytes of a read
		wait time.Duration // for the caller, at each read
		work time.Duration // of the service, between reads
		late bool
	}{
		{"a drip", 1, 5 * time.Second, 0, true},
		{"a drip of a caller who is never waited for long", 1, time.Second, 0, true},
		{"slow, but enough", 400, 5 * time.Second, 0, false},
		{"nothing for longer than the window", 1 << 20, 2 * time.Minute, 0, true},
		{"a service that takes its time", 4 << 10, time.Millisecond, 10 * time.Minute, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &pacer{owed: Pace{}.orDefault()}
				var late error
				watched, over := make(chan struct{}), make(chan struct{})
				go func() {
					defer close(watched)
					for left := time.Duration(0); late == nil; left, late = p.judge(time.Now()) {
						select {
						case <-time.After(left):
						case <-over:
							return
						}
					}
				}()
				for range 200 {
					p.expect()
					<-time.After(tt.wait)
					p.got(tt.each)
					<-time.After(tt.work)
				}
				close(over)
				<-watched
				if short := (*paceError)(nil); errors.As(late, &short) != tt.late {
					t.Errorf("judged %v, want late %v", late, tt.late)
				}
			})
		})
	}
}
