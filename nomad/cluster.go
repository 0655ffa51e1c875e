package nomad

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/service"
)

// Options of a Cluster.
type Options struct {
	Address   string // "https://nomad.example.org:4646" or "unix:///secrets/api.sock"; empty: http://127.0.0.1:4646
	Token     string // ACL token; empty where ACLs are off
	Namespace string // empty: default
	Region    string // empty: that of the agent
	TLS       TLS
	Prefix    string // of the ids of all jobs that belong to dynsvc; empty: "dyn-"

	Connections int           // at most, for calls; 0: 16. Nomad allows one address 100 in all
	Followers   int           // log streams at most, two an instance; 0: 32
	Timeout     time.Duration // of one call; 0: 15 s
	Reconcile   time.Duration // between two comparisons with the full lists; 0: 15 s
}

// TLS says how to prove who is who. All zero: the system's roots, no client
// certificate.
type TLS struct {
	CAFile, CertFile, KeyFile string
	ServerName                string
}

const (
	group = "app" // the one group of every job
	task  = "app" // the task in it that runs the module's program

	// metaDigest is the key in a job's meta under which the digest of its text is
	// kept, so that an unchanged job is not registered again. The templates write it too.
	metaDigest = "dynsvc_spec"
	// metaDecision is the key in a scaling event's meta that names the decision.
	metaDecision = "dynsvc_decision"
)

// Cluster is a Nomad cluster as dynsvc uses it.
type Cluster struct {
	log    hclog.Logger
	opts   Options
	calls  *api.Client // answers come at once
	stream *api.Client // event stream and log followers: answers that do not end

	mem       *memory
	followers chan struct{}  // one token for each log stream that is open
	placed    chan placement // raises whose evaluation is to be looked at
	relist    chan struct{}  // has a token: a full list is wanted now
	asides    chan func(context.Context)
}

var prefixForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

// Open makes a Cluster ready. A cluster that does not answer is not an error: it
// may start later than dynsvc, and until then States is not fresh.
func Open(ctx context.Context, opts Options, log hclog.Logger) (*Cluster, error) {
	opts = opts.withDefaults()
	if !prefixForm.MatchString(opts.Prefix) {
		return nil, service.Errorf(service.ErrInvalid, "nomad: prefix %q: want lower-case letters, digits and dashes", opts.Prefix)
	}
	calls, err := newClient(opts, opts.Connections, opts.Timeout)
	if err != nil {
		return nil, fmt.Errorf("nomad: %w", err)
	}
	stream, err := newClient(opts, 1+opts.Followers, 0)
	if err != nil {
		return nil, fmt.Errorf("nomad: %w", err)
	}
	c := &Cluster{
		log: log, opts: opts, calls: calls, stream: stream, mem: newMemory(),
		followers: make(chan struct{}, opts.Followers),
		placed:    make(chan placement, 256),
		relist:    make(chan struct{}, 1),
		asides:    make(chan func(context.Context), 256),
	}
	q, cancel := c.query(ctx)
	defer cancel()
	if _, err := calls.Raw().Query("/v1/status/leader", new(string), q); err != nil {
		log.Warn("nomad did not answer yet", "addr", opts.Address, "error", classify(err, "ask for the leader"))
	}
	return c, nil
}

func (o Options) withDefaults() Options {
	if o.Address == "" {
		o.Address = "http://127.0.0.1:4646"
	}
	if o.Prefix == "" {
		o.Prefix = "dyn-"
	}
	if o.Connections == 0 {
		o.Connections = 16
	}
	if o.Followers == 0 {
		o.Followers = 32
	}
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
	if o.Reconcile == 0 {
		o.Reconcile = 15 * time.Second
	}
	return o
}

// query returns options for one read that ends in time. The caller calls cancel
// when it has the answer.
func (c *Cluster) query(ctx context.Context) (*api.QueryOptions, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	return (&api.QueryOptions{}).WithContext(ctx), cancel
}

// write is query for a change.
func (c *Cluster) write(ctx context.Context) (*api.WriteOptions, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	return (&api.WriteOptions{}).WithContext(ctx), cancel
}
