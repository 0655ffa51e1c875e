package jobs

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"strings"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// ParamsLimit is how many bytes the parameters of a job may have.
const ParamsLimit = 16 << 20

// keyLimit is how long an Idempotency-Key may be.
const keyLimit = 255

// Submission is a call to be made as a job.
type Submission struct {
	service.JobRequest
	Key      string    // the same key from the same caller is the same job; empty: none
	Callback *Callback // nil: nobody is told
}

// Submit stores a job and returns it. When it returns, the job is on disk.
// isNew is false where the key was used before.
func (q *Queue) Submit(ctx context.Context, s Submission) (job service.CallJob, isNew bool, err error) {
	if err := s.normalise(); err != nil {
		return job, false, err
	}
	a, err := q.gw.Admit(ctx, s.JobRequest)
	if err != nil {
		return job, false, err
	}
	return q.accept(ctx, s, a)
}

// Accept is Submit for a call that was admitted already, and returns the id.
func (q *Queue) Accept(ctx context.Context, r service.JobRequest, a service.Admission) (string, error) {
	s := Submission{JobRequest: r}
	if err := s.normalise(); err != nil {
		return "", err
	}
	job, _, err := q.accept(ctx, s, a)
	return job.ID, err
}

func (q *Queue) accept(ctx context.Context, s Submission, a service.Admission) (job service.CallJob, isNew bool, err error) {
	v := a.Version
	method, err := q.check(v, &s)
	if err != nil {
		return job, false, err
	}
	n := store.NewCallJob{
		Job:   service.CallJob{ID: strings.ToLower(rand.Text()), Module: v.Module, Service: v.ID, Method: s.Method, Caller: a.Caller.Name, Idempotent: method.Idempotent},
		Payer: a.Payer, Key: s.Key, Digest: s.digest(), Params: s.Params, ModuleLimit: q.opts.ModuleQueued, PayerLimit: q.opts.CallerOpen,
	}
	if !a.Caller.Known() {
		n.PayerLimit = q.opts.AddressOpen
	}
	if a.Authorization != "" {
		n.Secrets = q.seal.seal(n.Job.ID, []byte(a.Authorization))
	}
	if s.Callback != nil {
		n.CallbackURL, n.CallbackSecret = s.Callback.URL, q.seal.seal(n.Job.ID, []byte(s.Callback.Secret))
	}
	q.reached("submit")
	if job, isNew, err = q.db.AddCallJob(ctx, n); err != nil {
		return job, false, err
	}
	q.reached("inserted")
	if isNew {
		q.log.Debug("accepted a job", "job", job.ID, "service", job.Service, "method", job.Method)
		poke(q.work)
	}
	return job, isNew, nil
}

// normalise refuses what is no call of anything.
func (s *Submission) normalise() error {
	if p := bytes.TrimSpace(s.Params); len(p) == 0 || bytes.Equal(p, []byte("null")) {
		s.Params = json.RawMessage("[]")
	}
	switch {
	case len(s.Params) > ParamsLimit:
		return service.Errorf(service.ErrInvalid, "the parameters are %d bytes, and a job may have %d: pass a reference to the data", len(s.Params), ParamsLimit)
	case !bytes.ContainsAny(bytes.TrimSpace(s.Params)[:1], "[{") || !json.Valid(s.Params):
		return service.Errorf(service.ErrInvalid, `params must be a list, e.g. {"params": [{"min_length": 500}]}, or an object of parameters by name`)
	case len(s.Key) > keyLimit:
		return service.Errorf(service.ErrInvalid, "the Idempotency-Key has %d characters, and may have %d", len(s.Key), keyLimit)
	}
	return nil
}

// check refuses at once what could never run.
func (q *Queue) check(v *service.Version, s *Submission) (service.Method, error) {
	method, ok := v.Method(s.Method)
	if !ok {
		return method, service.Errorf(service.ErrNotFound, "%s %s has no method %.100q%s", v.Module, v.Version, s.Method, asyncMethods(v))
	}
	if method.Mode == service.Sync {
		return method, service.Errorf(service.ErrInvalid, "%s.%s is called synchronously only, as its mode says: POST it to /svc/%s%s",
			v.Module, s.Method, v.Module, asyncMethods(v))
	}
	if s.Callback != nil {
		if err := s.Callback.check(q.opts.CallbackNetworks); err != nil {
			return method, err
		}
	}
	return method, nil
}

// asyncMethods says what can be submitted.
func asyncMethods(v *service.Version) string {
	var names []string
	for _, m := range v.Methods {
		if m.Mode != service.Sync {
			names = append(names, m.Name)
		}
	}
	if len(names) == 0 {
		return "; it has no method that runs as a job"
	}
	return "; as jobs run " + strings.Join(names, ", ")
}

// digest tells one submission from another. The version is meant as the caller
// wrote it: a tag that moves between two tries makes no other call of it.
func (s *Submission) digest() []byte {
	h := sha256.New()
	parts := [][]byte{[]byte(service.ModuleKey(s.Module)), []byte(s.Ref), []byte(s.Method), s.Params, nil, nil}
	if s.Callback != nil {
		parts[4], parts[5] = []byte(s.Callback.URL), []byte(s.Callback.Secret)
	}
	for _, p := range parts {
		sum := sha256.Sum256(p)
		h.Write(sum[:])
	}
	return h.Sum(nil)
}
