package nomad

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/service"
)

// ensureAttempts bounds how often Ensure looks again because somebody else
// changed the job between its look and its write.
const ensureAttempts = 3

// Parse has Nomad read a jobspec and returns the job as JSON.
func (c *Cluster) Parse(ctx context.Context, hcl string) ([]byte, error) {
	q, cancel := c.write(ctx)
	defer cancel()
	var out json.RawMessage
	req := &api.JobsParseRequest{JobHCL: hcl, Canonicalize: true}
	if _, err := c.calls.Raw().Write("/v1/jobs/parse", req, &out, q); err != nil {
		return nil, classify(err, "parse jobspec")
	}
	return out, nil
}

// Validate has Nomad check a jobspec without registering it and returns its
// warnings. What Nomad would refuse is a [service.ErrInvalid].
func (c *Cluster) Validate(ctx context.Context, hcl string) ([]string, error) {
	j, err := c.read(ctx, hcl)
	if err != nil {
		return nil, err
	}
	q, cancel := c.write(ctx)
	defer cancel()
	answer, _, err := c.calls.Jobs().Validate(j, q)
	if err != nil {
		return nil, classify(err, "validate job "+*j.ID)
	}
	if answer.Error != "" {
		return nil, service.Errorf(service.ErrInvalid, "nomad refuses job %s: %s", *j.ID, faults(answer.Error))
	}
	return warnings(answer.Warnings), nil
}

// read is Parse into the API's own type.
func (c *Cluster) read(ctx context.Context, hcl string) (*api.Job, error) {
	text, err := c.Parse(ctx, hcl)
	if err != nil {
		return nil, err
	}
	var j api.Job
	if err := json.Unmarshal(text, &j); err != nil {
		return nil, fmt.Errorf("parse jobspec: %w", err)
	}
	if j.ID == nil {
		return nil, service.Errorf(service.ErrInvalid, "parse jobspec: the job has no id")
	}
	return &j, nil
}

// Ensure has the job exist with this text. What is new, or was stopped by
// somebody, begins with count 0; otherwise the count stays what it is.
func (c *Cluster) Ensure(ctx context.Context, want service.Job) error {
	id := want.Version.ID
	if c.mem.has(id, want.Digest, time.Now()) {
		return nil
	}
	return unlessChanged(func() error { return c.register(ctx, want) })
}

// unlessChanged registers again where somebody else changed the job meanwhile.
func unlessChanged(register func() error) (err error) {
	for range ensureAttempts {
		if err = register(); !errors.Is(err, service.ErrConflict) {
			return err
		}
	}
	return err
}

// prepare reads a jobspec and what Nomad has of its job, which opts lets it replace and
// nothing newer. j is nil where Nomad has this very text already.
func (c *Cluster) prepare(ctx context.Context, want service.Job) (j *api.Job, old *job, opts *api.RegisterOptions, err error) {
	id := want.Version.ID
	old, err = c.job(ctx, id)
	if err != nil && !isNotFound(err) {
		return nil, nil, nil, err
	}
	if old != nil && !old.Stop && old.Meta[metaDigest] == want.Digest {
		return nil, old, nil, nil
	}
	if j, err = c.read(ctx, want.HCL); err != nil {
		return nil, nil, nil, fmt.Errorf("register %s: %w", id, err)
	}
	if *j.ID != string(id) {
		return nil, nil, nil, service.Errorf(service.ErrInvalid, "register %s: its jobspec is of job %q", id, *j.ID)
	}
	opts = &api.RegisterOptions{EnforceIndex: true, Submission: &api.JobSubmission{Source: want.HCL, Format: "hcl2"}}
	if old != nil {
		opts.ModifyIndex = old.JobModifyIndex
	}
	return j, old, opts, nil
}

func (c *Cluster) register(ctx context.Context, want service.Job) error {
	id := want.Version.ID
	j, old, opts, err := c.prepare(ctx, want)
	if err != nil || j == nil {
		return err
	}
	j.SetMeta(metaDigest, want.Digest)
	count := 0
	if old != nil && !old.Stop {
		opts.PreserveCounts = true
		count = old.count()
	}
	for _, g := range j.TaskGroups {
		g.Count = new(0)
	}
	q, cancel := c.write(ctx)
	defer cancel()
	answer, _, err := c.calls.Jobs().RegisterOpts(j, opts, q)
	if err != nil {
		return classify(err, "register "+string(id))
	}
	for _, w := range warnings(answer.Warnings) {
		c.log.Warn("job was accepted with a warning", "service", id, "reason", w)
	}
	c.mem.mu.Lock()
	defer c.mem.mu.Unlock()
	c.mem.setJob(&jobStub{ID: string(id), Meta: map[string]string{metaDigest: want.Digest},
		ModifyIndex: answer.JobModifyIndex, JobModifyIndex: answer.JobModifyIndex}, &count)
	return nil
}

// Remove purges the job; its instances stop. A job that is not there is no error.
func (c *Cluster) Remove(ctx context.Context, id service.ID) error {
	q, cancel := c.write(ctx)
	defer cancel()
	_, _, err := c.calls.Jobs().Deregister(string(id), true, q)
	if err = classify(err, "remove "+string(id)); err != nil && !isNotFound(err) {
		return err
	}
	c.mem.doubt(id)
	return nil
}

// doubt has the next Ensure look at the cluster itself.
func (m *memory) doubt(id service.ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.entries[id]; ok {
		e.digest = ""
	}
}

// has reports whether the job is known, by fresh news, to exist with this digest.
func (m *memory) has(id service.ID, digest string, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.entries[id]
	return ok && m.fresh(now) && !e.gone && !e.stopped && e.digest == digest
}

// allocationsOf reads all allocations of a job that Nomad still keeps.
func (c *Cluster) allocationsOf(ctx context.Context, id service.ID) ([]*allocation, error) {
	allocs, _, err := pages[*allocation](ctx, c, "/v1/allocations", url.Values{
		"resources": {"true"},
		"filter":    {fmt.Sprintf("JobID == %q", string(id))},
	})
	return allocs, err
}

// evaluations reads the evaluations of a job that Nomad still keeps.
func (c *Cluster) evaluations(ctx context.Context, id service.ID) ([]*evaluation, error) {
	q, cancel := c.query(ctx)
	defer cancel()
	var evals []*evaluation
	if _, err := c.calls.Raw().Query("/v1/job/"+url.PathEscape(string(id))+"/evaluations", &evals, q); err != nil {
		return nil, classify(err, "read evaluations of "+string(id))
	}
	return evals, nil
}

// warnings takes Nomad's list of warnings apart.
func warnings(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if w, ok := strings.CutPrefix(strings.TrimSpace(line), "* "); ok {
			out = append(out, w)
		}
	}
	if len(out) == 0 && strings.TrimSpace(text) != "" {
		out = append(out, strings.TrimSpace(text))
	}
	return out
}

func isNotFound(err error) bool { return errors.Is(err, service.ErrNotFound) }
