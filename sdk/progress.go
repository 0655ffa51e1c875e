package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"sync"
	"time"
)

const (
	progressPause   = time.Second     // between two reports
	progressTimeout = 5 * time.Second // for one
)

// Progress tells those who wait for the job how far it is, as a fraction from 0
// to 1 and in words. It never waits and can be called as often as one likes: at
// most one report a second is sent, always the latest. Without a job it does
// nothing.
func Progress(ctx context.Context, fraction float64, message string) {
	c := from(ctx)
	if c == nil || math.IsNaN(fraction) {
		return
	}
	url := c.header.Get("X-Dynsvc-Progress")
	if url == "" || c.header.Get("X-Dynsvc-Job") == "" {
		return
	}
	c.progress.set(ctx, c.module.client, url, report{Progress: min(max(fraction, 0), 1), Message: message})
}

// report is what is sent.
type report struct {
	Progress float64 `json:"progress"`
	Message  string  `json:"message"`
}

// progress sends the reports of one call.
type progress struct {
	mu     sync.Mutex // guards all below
	latest *report    // nil: all was sent
	fresh  chan struct{}
	stop   context.CancelFunc // nil: not begun
	done   chan struct{}
	ended  bool
}

// set leaves a report for the goroutine that sends them, which begins with the first.
func (p *progress) set(ctx context.Context, client *http.Client, url string, r report) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	p.latest = &r
	if p.stop == nil {
		ctx, p.stop = context.WithCancel(ctx)
		p.fresh, p.done = make(chan struct{}, 1), make(chan struct{})
		go func() {
			defer close(p.done)
			p.send(ctx, client, url)
		}()
	}
	select {
	case p.fresh <- struct{}{}:
	default:
	}
}

// end gives up what was not sent: the answer is more than that.
func (p *progress) end() {
	p.mu.Lock()
	p.ended = true
	stop := p.stop
	p.mu.Unlock()
	if stop != nil {
		stop()
		<-p.done
	}
}

func (p *progress) take() *report {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.latest
	p.latest = nil
	return r
}

func (p *progress) send(ctx context.Context, client *http.Client, url string) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.fresh:
		}
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		r := p.take()
		if r == nil { // it went out with the one before
			pause.Reset(0)
			continue
		}
		pause.Reset(progressPause)
		if err := post(ctx, client, url, r); err != nil && ctx.Err() == nil {
			Logger(ctx).Debug("progress was not reported", "error", err)
		}
	}
}

func post(ctx context.Context, client *http.Client, url string, r *report) error {
	ctx, cancel := context.WithTimeout(ctx, progressTimeout)
	defer cancel()
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16)) // so that the connection is used again
	return err
}

// progressClient goes to the gateway directly, and nowhere else.
func progressClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: 90 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
