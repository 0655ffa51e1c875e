package nomad

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dynsvc/dynsvc/service"
)

const (
	pageSize = 1000
	// manyCounts is from how many unknown counts on the list of statuses is
	// cheaper than one read a job.
	manyCounts = 50
)

// reconcile compares what is known with the full lists. Unless forced it first
// asks for no more than the lists' indexes and ends there if nothing moved.
func (c *Cluster) reconcile(ctx context.Context, forced bool) error {
	began := time.Now()
	if !forced {
		same, err := c.unmoved(ctx)
		if err != nil || same {
			return err
		}
	}
	l, err := c.list(ctx)
	if err != nil {
		return err
	}
	if c.mem.merge(l, time.Now()) {
		c.log.Warn("cluster state went backwards", "reason", "a snapshot was restored or the cluster is another one")
		// The same list again, now that nothing of the old cluster is known: the
		// counts that were not read because they were known are missing.
		if l, err = c.list(ctx); err != nil {
			return err
		}
		c.mem.merge(l, time.Now())
	}
	c.lookAtMissing(l)
	c.log.Debug("listed", "services", len(l.jobs), "instances", len(l.allocations), "took", time.Since(began).String())
	return nil
}

// unmoved reports whether no job and no allocation changed since the last list.
func (c *Cluster) unmoved(ctx context.Context) (bool, error) {
	var jobs, allocs uint64
	if err := c.page(ctx, "/v1/jobs", url.Values{"per_page": {"1"}, "prefix": {c.opts.Prefix}}, new([]struct{}), &jobs, nil); err != nil {
		return false, err
	}
	if err := c.page(ctx, "/v1/allocations", url.Values{"per_page": {"1"}, "task_states": {"false"}}, new([]struct{}), &allocs, nil); err != nil {
		return false, err
	}
	c.mem.mu.Lock()
	defer c.mem.mu.Unlock()
	if !c.mem.listed || c.mem.jobs != jobs || c.mem.allocs != allocs {
		return false, nil
	}
	c.mem.heard = time.Now()
	return true, nil
}

// list reads all jobs that belong to dynsvc and the allocations that run or
// should.
func (c *Cluster) list(ctx context.Context) (*listing, error) {
	l := &listing{}
	var err error
	if l.jobs, l.jobsIndex, err = pages[jobStub](ctx, c, "/v1/jobs", url.Values{"prefix": {c.opts.Prefix}, "meta": {"true"}}); err != nil {
		return nil, err
	}
	if l.counts, err = c.counts(ctx, c.mem.unknown(l.jobs)); err != nil {
		return nil, err
	}
	l.allocations, l.allocsIndex, err = pages[*allocation](ctx, c, "/v1/allocations", url.Values{
		"resources": {"true"},
		"filter":    {fmt.Sprintf(`JobID matches "^%s" and DesiredStatus == "run" and ClientStatus != "complete"`, c.opts.Prefix)},
	})
	return l, err
}

// counts reads the counts of jobs. A job that changed since it was listed is left
// out: its event, or the next list, tells.
func (c *Cluster) counts(ctx context.Context, jobs []jobStub) (map[string]int, error) {
	counts := make(map[string]int, len(jobs))
	if len(jobs) > manyCounts {
		statuses, _, err := pages[jobStatus](ctx, c, "/v1/jobs/statuses", url.Values{"filter": {fmt.Sprintf(`ID matches "^%s"`, c.opts.Prefix)}})
		if err != nil && !errors.Is(err, service.ErrNotFound) && !errors.Is(err, service.ErrInvalid) {
			return nil, err
		}
		// Both lists carry the index of the job's last change, so a count belongs
		// to exactly the job that was listed.
		known := make(map[string]jobStatus, len(statuses))
		for _, s := range statuses {
			known[s.ID] = s
		}
		rest := jobs[:0:0]
		for _, j := range jobs {
			if s, ok := known[j.ID]; ok && s.ModifyIndex == j.ModifyIndex {
				counts[j.ID] = s.GroupCountSum
			} else {
				rest = append(rest, j)
			}
		}
		jobs = rest
	}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, c.opts.Connections/2))
	read := make(map[string]int)
	for _, j := range jobs {
		g.Go(func() error {
			now, err := c.job(ctx, service.ID(j.ID))
			if errors.Is(err, service.ErrNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			if now.JobModifyIndex == j.JobModifyIndex {
				mu.Lock()
				defer mu.Unlock()
				read[j.ID] = now.count()
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	maps.Copy(counts, read)
	return counts, nil
}

// job reads one job.
func (c *Cluster) job(ctx context.Context, id service.ID) (*job, error) {
	q, cancel := c.query(ctx)
	defer cancel()
	var j job
	if _, err := c.calls.Raw().Query("/v1/job/"+url.PathEscape(string(id)), &j, q); err != nil {
		return nil, classify(err, "read job "+string(id))
	}
	return &j, nil
}

// pages reads a whole list and the index at which its first page was read.
func pages[T any](ctx context.Context, c *Cluster, path string, params url.Values) (all []T, index uint64, err error) {
	params.Set("per_page", strconv.Itoa(pageSize))
	for first := true; ; first = false {
		var page []T
		var at uint64
		var next string
		if err := c.page(ctx, path, params, &page, &at, &next); err != nil {
			return nil, 0, err
		}
		if first {
			index = at
		}
		all = append(all, page...)
		if next == "" {
			return all, index, nil
		}
		params.Set("next_token", next)
	}
}

func (c *Cluster) page(ctx context.Context, path string, params url.Values, out any, index *uint64, next *string) error {
	q, cancel := c.query(ctx)
	defer cancel()
	meta, err := c.calls.Raw().Query(path+"?"+params.Encode(), out, q)
	if err != nil {
		return classify(err, "list "+path)
	}
	*index = meta.LastIndex
	if next != nil {
		*next = meta.NextToken
	}
	return nil
}
