package nomad

import (
	"context"

	"github.com/dynsvc/dynsvc/service"
)

// versionsKept is how many versions of a job Nomad keeps. Each scaling is one,
// and only a registration comes with its text.
const versionsKept = 6

// Source returns the digest of the jobspec that Nomad runs a service from, and
// its text. The text is empty where Nomad has forgotten it: it keeps that of the
// last few versions of a job, and each change of a count is a version.
func (c *Cluster) Source(ctx context.Context, id service.ID) (service.Job, error) {
	j, err := c.job(ctx, id)
	if err != nil {
		return service.Job{}, err
	}
	if j.Stop {
		return service.Job{}, service.Errorf(service.ErrNotFound, "job %s was stopped in Nomad; its next call submits it again", id)
	}
	out := service.Job{Version: service.Version{ID: id}, Digest: j.Meta[metaDigest]}
	for back := uint64(0); back < versionsKept && back <= j.Version; back++ {
		text, err := c.submission(ctx, id, j.Version-back)
		if err == nil {
			out.HCL = text
			return out, nil
		}
		if !isNotFound(err) {
			return service.Job{}, err
		}
	}
	return out, nil
}

// submission reads the text that one version of a job was registered with.
func (c *Cluster) submission(ctx context.Context, id service.ID, version uint64) (string, error) {
	q, cancel := c.query(ctx)
	defer cancel()
	s, _, err := c.calls.Jobs().Submission(string(id), int(version), q)
	if err != nil {
		return "", classify(err, "read the jobspec of "+string(id))
	}
	return s.Source, nil
}
