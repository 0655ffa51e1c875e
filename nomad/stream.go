package nomad

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/nomad/api"
)

const (
	// quiet is how long the event stream may be silent: Nomad sends a heartbeat
	// every 30 s.
	quiet = 45 * time.Second

	// fromNow is an index that Nomad never reaches: it then begins with its newest
	// event. A smaller one would have it send old ones first, and close the stream
	// when they are not read fast enough.
	fromNow = math.MaxInt64

	backoffMin = 500 * time.Millisecond
	backoffMax = 10 * time.Second
)

// follow keeps one event stream open until ctx ends. Each time it is open anew it
// asks for a full list, since what happened in between may be lost: Nomad keeps
// few events and says nothing when it left some out.
func (c *Cluster) follow(ctx context.Context) error {
	wait := backoffMin
	for {
		began := time.Now()
		err := c.events(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) > quiet {
			wait = backoffMin
		}
		if took := time.Since(began); took > wait { // once, not at each attempt while the cluster is away
			c.log.Warn("event stream ended", "reason", err, "took", took.Round(time.Millisecond).String())
		} else {
			c.log.Debug("event stream not opened", "reason", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait/2 + rand.N(wait)): // a crowd of agents must not come back in step
		}
		wait = min(2*wait, backoffMax)
	}
}

// events reads one event stream to its end.
func (c *Cluster) events(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(quiet, func() { cancel(errors.New("no heartbeat")) })
	defer watchdog.Stop()

	params := url.Values{
		"topic": {string(api.TopicJob), string(api.TopicAllocation), string(api.TopicEvaluation)},
		"index": {strconv.Itoa(fromNow)},
	}
	body, err := c.stream.Raw().Response("/v1/event/stream?"+params.Encode(), (&api.QueryOptions{}).WithContext(ctx))
	if err != nil {
		return classify(err, "open event stream")
	}
	defer body.Close()
	stop := context.AfterFunc(ctx, func() { _ = body.Close() }) // unblocks the read; its error is what ends the loop
	defer stop()
	signal(c.relist)

	lines := json.NewDecoder(body)
	for {
		var b batch
		if err := lines.Decode(&b); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			if errors.Is(err, io.EOF) {
				return errors.New("closed by nomad")
			}
			return fmt.Errorf("read event stream: %w", err)
		}
		watchdog.Reset(quiet)
		c.mem.apply(c.payloads(&b), b.Index, time.Now())
	}
}

// payloads decodes the events of a batch that are about jobs of dynsvc.
func (c *Cluster) payloads(b *batch) []payload {
	var out []payload
	for i := range b.Events {
		e := &b.Events[i]
		if !strings.HasPrefix(e.jobID(), c.opts.Prefix) {
			continue
		}
		var p payload
		if err := json.Unmarshal(e.Payload, &p); err != nil {
			c.log.Warn("event not understood", "topic", e.Topic, "error", err)
			signal(c.relist)
			continue
		}
		out = append(out, p)
	}
	return out
}

// signal leaves a token in a channel of one, if it has none.
func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
