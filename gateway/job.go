package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

const (
	headerJob      = "X-Dynsvc-Job"
	headerProgress = "X-Dynsvc-Progress"
)

// jobCall is what a call knows if it is an attempt of a call job, which no connection
// of a client stands behind.
type jobCall struct {
	service.JobCall
	body []byte
	sent bool // something may have been written to an instance
}

// Call makes one attempt of a call job and writes the body of the answer to to.
// It goes the way of every other call: through the same queue, to the same
// endpoints, metered as the same method. It ends when ctx does, and the
// connection to the instance with it.
//
// The error says why no instance answered, or why its answer broke off.
func (g *Gateway) Call(ctx context.Context, j service.JobCall, to io.Writer) (service.JobAnswer, error) {
	text, err := envelopeOf(j)
	if err != nil {
		return service.JobAnswer{}, err
	}
	// The service id stands for exactly the version that was resolved before.
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, Prefix+j.Module+"@"+string(j.Service)+"/", bytes.NewReader(text))
	if err != nil {
		return service.JobAnswer{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	if j.Authorization != "" {
		r.Header.Set("Authorization", j.Authorization)
	}
	w := &jobWriter{header: http.Header{}, to: to}
	a := &jobCall{JobCall: j, body: text}
	c := &call{g: g, w: w, in: r, began: time.Now(), requestID: j.Job, job: a, from: g.opts.TrustedProxies.origin(r)}
	defer c.end()
	if err := c.serve(); err != nil {
		c.refuse(err)
	}
	c.over = true
	answer := service.JobAnswer{Sent: a.sent}
	switch {
	case c.fault != nil:
		answer.After = time.Duration(retryAfter(c.fault, time.Now())) * time.Second
		if late := new(lateError); c.passed && errors.As(c.fault, &late) {
			answer.Late, late.which = true, "job_timeout"
		}
		return answer, &attemptError{said(c.fault, c.name()), c.fault}
	case w.err != nil:
		return answer, w.err
	case c.broke || w.status == 0:
		return answer, fmt.Errorf("the instance of %s ended or lost its connection before its answer was whole", c.name())
	}
	answer.Status = w.status
	if after := w.header.Get("Retry-After"); w.status == http.StatusServiceUnavailable && after != "" {
		// The instance is full and has run nothing.
		answer.Sent, answer.After = false, time.Second
	}
	return answer, nil
}

// envelopeOf is the request of a job: JSON-RPC 1.1, or 2.0 where its parameters are
// by name, which 1.1 does not know.
func envelopeOf(j service.JobCall) ([]byte, error) {
	name := j.Module + "." + j.Method
	request := struct {
		Version string          `json:"version,omitempty"`
		V2      string          `json:"jsonrpc,omitempty"`
		ID      string          `json:"id"`
		Method  string          `json:"method"`
		Params  json.RawMessage `json:"params"`
	}{Version: "1.1", ID: j.Job, Method: name, Params: j.Params}
	if bytes.HasPrefix(bytes.TrimSpace(j.Params), []byte("{")) {
		request.Version, request.V2 = "", "2.0"
	}
	text, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("encode the parameters of %s: %w", name, err)
	}
	return text, nil
}

// Admit says which version a call would reach, who makes it, whether they may,
// and whether its parameters fit as far as they are checked.
func (g *Gateway) Admit(ctx context.Context, j service.JobRequest) (service.Admission, error) {
	means, err := g.resolve(j.Module, j.Ref)
	if err != nil {
		return service.Admission{}, err
	}
	r := (&http.Request{Method: http.MethodPost, Header: http.Header{}}).WithContext(ctx)
	if j.Authorization != "" {
		r.Header.Set("Authorization", j.Authorization)
	}
	to, _ := means.pick(r)
	text, err := envelopeOf(service.JobCall{Module: to.version.Module, Method: j.Method, Params: j.Params})
	if err != nil {
		return service.Admission{}, err
	}
	c := &call{g: g, in: r, to: to}
	c.body, c.env = (&jobCall{JobCall: service.JobCall{Module: to.version.Module, Method: j.Method}, body: text}).take()
	c.method, _ = to.version.Method(j.Method)
	if err := c.identify(); err != nil {
		return service.Admission{}, err
	}
	if err := c.fit(); err != nil {
		return service.Admission{}, err
	}
	a, err := c.admission()
	if err != nil {
		return a, err
	}
	a.Payer = j.Peer.Payer(a.Caller)
	account, err := g.accounts.enter(a.Caller, j.Peer, time.Now())
	account.leave()
	return a, err
}

// admission is what a job needs to know of a call that may be made. A job is its
// caller's own, so who calls matters also where the method does not ask.
func (c *call) admission() (service.Admission, error) {
	a := service.Admission{Version: c.to.version, Caller: c.caller, Authorization: c.in.Header.Get("Authorization")}
	if !a.Caller.Known() {
		var err error
		if a.Caller, err = c.whoever(); err != nil {
			return service.Admission{}, err
		}
	}
	if c.g.opts.Callers != nil && c.g.opts.Callers.Own(a.Authorization) {
		a.Authorization = ""
	}
	return a, nil
}

// whoever is who sent the call. A token that nobody knows may be the module's
// own: who sends it is anonymous.
func (c *call) whoever() (service.Caller, error) {
	authorization := c.in.Header.Get("Authorization")
	if authorization == "" || c.g.opts.Callers == nil {
		return service.Caller{}, nil
	}
	caller, err := c.g.opts.Callers.Authenticate(c.in.Context(), authorization)
	if errors.Is(err, service.ErrUnauthenticated) {
		return service.Caller{}, nil
	}
	return caller, err
}

// take reads what is called: the body is whole already.
func (a *jobCall) take() (*body, envelope) {
	b := &body{length: int64(len(a.body)), kept: a.body, all: true}
	b.ended.Store(true)
	return b, envelope{method: a.Module + "." + a.Method}
}

// limits are those of a job: it has its own time in all, and its answer comes
// when it comes.
func (*jobCall) limits(l service.Limits, m service.Method) service.Limits {
	return service.Limits{Wait: l.Wait, Total: m.JobTimeout}
}

// mark gives an attempt the headers that only jobs have.
func (a *jobCall) mark(h http.Header) {
	h[headerJob] = []string{a.Job}
	if a.Progress != "" {
		h[headerProgress] = []string{a.Progress}
	}
}

// attemptError is why no instance answered an attempt, in words for the caller.
type attemptError struct {
	text string
	err  error
}

func (e *attemptError) Error() string { return e.text }
func (e *attemptError) Unwrap() error { return e.err }

// jobWriter takes the answer to an attempt.
type jobWriter struct {
	header http.Header
	to     io.Writer
	status int
	err    error // of to
}

func (w *jobWriter) Header() http.Header { return w.header }

func (w *jobWriter) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
}

func (w *jobWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	n, err := w.to.Write(p)
	if err != nil {
		w.err = err
	}
	return n, err
}
