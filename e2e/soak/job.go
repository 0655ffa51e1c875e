package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/e2e/soak/content"
	"github.com/dynsvc/dynsvc/service"
)

// jobView is what a caller sees of a call job.
type jobView struct {
	service.CallJob
	Result []content.Payload `json:"result"`
}

// callJob submits a job, under a key and for as long as it takes until it is
// acknowledged, and waits for its end.
func (s *soak) callJob(ctx context.Context, r *record) {
	method := "job"
	if r.kind == jobAgain {
		method = "jobagain"
	}
	p := content.Payload{ID: r.id, N: rand.Int64N(1 << 40), MS: 200 + rand.IntN(800), Filling: strings.Repeat("x", 32<<10)}
	text, err := json.Marshal(map[string]any{"params": []content.Payload{p}})
	if err != nil {
		r.is(false, "%v", err)
		return
	}
	path := "/api/v1/modules/" + soaked + "/versions/release/methods/" + method + "/jobs"
	var j jobView
	for {
		try := &record{id: r.id, kind: submit, phase: int(s.phase.Load()), began: time.Now()}
		if j, err = s.ask(ctx, try, http.MethodPost, path, text); err == nil {
			break
		}
		s.book.add(try)
		if !pause(ctx, time.Second) {
			r.outcome, r.text = late, "it was never acknowledged: "+err.Error()
			return
		}
	}
	r.job = j.ID
	for !j.State.Finished() {
		next, err := s.ask(ctx, &record{id: r.id, kind: submit, began: time.Now()}, http.MethodGet, "/api/v1/jobs/"+j.ID+"?wait=20s", nil)
		if err == nil {
			j = next
		} else if !pause(ctx, 300*time.Millisecond) {
			r.outcome, r.text = late, fmt.Sprintf("it is %s: %v", j.State, err)
			return
		}
	}
	r.version = j.Version
	switch j.State {
	case service.JobDone:
		r.is(len(j.Result) == 1 && j.Result[0] == p.Answer(j.Version), "%.300v", j.Result)
	case service.JobDead:
		r.outcome, r.text = dead, j.Reason
	default:
		r.is(false, "%s: %s", j.State, j.Reason)
	}
}

// ask makes a request about a job. On an error the record says which.
func (s *soak) ask(ctx context.Context, r *record, method, path string, text []byte) (j jobView, err error) {
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(text))
	if err == nil && text != nil {
		req.Header.Set("Idempotency-Key", r.id)
		req.Header.Set("Content-Type", "application/json")
	}
	want := http.StatusOK
	if text != nil {
		want = http.StatusAccepted
	}
	res := s.send(r, req, err, want)
	if res == nil {
		return j, fmt.Errorf("%s %d: %s", r.outcome, r.status, r.text)
	}
	answer, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		r.fail(err)
		return j, err
	}
	return j, json.Unmarshal(answer, &j)
}

// settled checks that the jobs have ended once: what each was when its end was
// heard it still is when all is over.
func (s *soak) settled(ctx context.Context) error {
	var errs []error
	for _, r := range s.book.all {
		if r.job == "" || r.outcome != good && r.outcome != dead {
			continue
		}
		j, err := s.ask(ctx, &record{id: r.id, kind: submit}, http.MethodGet, "/api/v1/jobs/"+r.job, nil)
		if err != nil {
			errs = append(errs, fmt.Errorf("job %s is not to be found in the end: %w", r.job, err))
		} else if (j.State == service.JobDone) != (r.outcome == good) {
			errs = append(errs, fmt.Errorf("job %s was %s and is %s in the end", r.job, r.outcome, j.State))
		}
	}
	return errors.Join(errs...)
}
