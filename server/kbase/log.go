package kbase

import (
	"context"
	"slices"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// defaultTail is how many last lines of each instance and stream are answered.
const defaultTail = 5000

// logRequest is what a log method is about. Tail is ours: KBase's takes all.
type logRequest struct {
	Service  which   `json:"service"`
	Instance *string `json:"instance_id"`
	Tail     int     `json:"tail"`
}

// instanceLog is the output of one instance; each line keeps its end.
type instanceLog struct {
	Instance string   `json:"instance_id"`
	Log      []string `json:"log"`
}

func (f *Facade) getLog(ctx context.Context, c *call) (any, error) {
	req, v, instances, err := f.logged(ctx, c,
		"Only catalog admins can view service logs.  Module owners can view logs for dev versions of modules only if they are not in beta or released")
	if err != nil {
		return nil, err
	}
	logs := make([]instanceLog, 0, len(instances))
	for _, alloc := range instances {
		one := instanceLog{Instance: alloc, Log: []string{}}
		opts := service.LogOptions{Alloc: alloc, Tail: req.Tail}
		if opts.Tail <= 0 {
			opts.Tail = defaultTail
		}
		err := f.Cluster.Logs(ctx, v.ID, opts, func(line service.LogLine) error {
			one.Log = append(one.Log, line.Text+"\n")
			return nil
		})
		if err != nil {
			return nil, err
		}
		logs = append(logs, one)
	}
	return logs, nil
}

// instanceSocket is where the output of one instance can be followed.
type instanceSocket struct {
	Instance string `json:"instance_id"`
	URL      string `json:"socket_url"`
}

func (f *Facade) getSocket(ctx context.Context, c *call) (any, error) {
	_, v, instances, err := f.logged(ctx, c, "Only module owners and catalog admins can view service logs.")
	if err != nil {
		return nil, err
	}
	sockets := make([]instanceSocket, 0, len(instances))
	for _, alloc := range instances {
		sockets = append(sockets, instanceSocket{Instance: alloc, URL: f.socketURL(v.ID, alloc)})
	}
	return sockets, nil
}

// logged finds the instances whose output somebody asks for, if they may.
func (f *Facade) logged(ctx context.Context, c *call, denied string) (logRequest, service.Version, []string, error) {
	req, err := argument[logRequest](c, 0)
	if err != nil {
		return req, service.Version{}, nil, err
	}
	e, v, err := f.dynamic(ctx, req.Service)
	if err != nil {
		return req, v, nil, refusal("Unable to fetch service information.  That service version may not be available. %v", err)
	}
	if !mayReadLog(c.caller, &e, v) {
		return req, v, nil, refusal("%s", denied)
	}
	st, err := f.Cluster.State(ctx, v.ID)
	if err != nil {
		return req, v, nil, err
	}
	var instances []string
	for _, at := range st.Endpoints {
		if want := deref(req.Instance); want == "" || strings.HasPrefix(at.Alloc, want) {
			instances = append(instances, at.Alloc)
		}
	}
	if len(instances) == 0 {
		return req, v, nil, refusal("The service version specified has no available container instances.")
	}
	slices.Sort(instances)
	return req, v, instances, nil
}

// mayReadLog: admins read all logs, owners those of what is in dev and was in no
// more than that.
func mayReadLog(c service.Caller, e *entry, v service.Version) bool {
	if c.IsAdmin() {
		return true
	}
	_, released := e.releases[v.ID]
	return owns(c, e.Module) && !released && e.Tags[service.Beta] != v.ID && e.Tags[service.Release] != v.ID
}
