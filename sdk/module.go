package sdk

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
)

// Module is a service's methods. Those are added before it runs; it then takes
// any number of calls at once.
type Module struct {
	name    string
	opts    Options
	log     *slog.Logger
	env     environment
	faults  error              // of the environment
	methods map[string]*method // by full name, as in "Module.function"
	client  *http.Client       // to those who wait for jobs

	calls    atomic.Int64 // in flight
	draining atomic.Bool
	fullSaid atomic.Int64 // when the log said last that there is no room, in unix ms
}

// Options are what a module may say of itself. The zero value is good.
type Options struct {
	// Version, GitURL and GitCommit are told by the method status. Where they are
	// empty, they are $DYNSVC_VERSION, $DYNSVC_GIT_URL and $DYNSVC_GIT_COMMIT.
	Version, GitURL, GitCommit string

	// Health says why the service is not ready, or not ready any more. Nil: it
	// always is.
	Health func(context.Context) error

	// HealthPath is where GET asks for it. Empty: "/".
	HealthPath string

	// Status adds to what the method status tells. Nil: all is well.
	Status func(context.Context) Status

	// Concurrency is how many calls may be in flight; those beyond it are refused
	// with 503, and the gateway tries another instance. 0: any number.
	Concurrency int

	// MaxBody is the size of the largest request in bytes. 0: 256 MiB.
	MaxBody int64

	// Other answers what is neither a call nor the health path, such as pages. Nil: 404.
	Other http.Handler

	// Logger takes the log. Nil: JSON lines on stderr, from the level $LOG_LEVEL.
	Logger *slog.Logger
}

// method is a registered function.
type method struct {
	name   string // full
	params []string
	fewest int  // parameters; those beyond have names that end in "?"
	arity  int  // the most; anyArity: the function finds out
	open   bool // the function decodes the parameters itself
	run    func(context.Context, *call) error
}

const anyArity = -1

// New returns the module of that name, which is the one before the dot in its
// methods' names. The empty name is $DYNSVC_MODULE.
func New(name string, opts Options) *Module {
	env, faults := readEnvironment()
	name = cmp.Or(name, env.module)
	opts.Version = cmp.Or(opts.Version, env.version)
	opts.GitURL = cmp.Or(opts.GitURL, env.gitURL)
	opts.GitCommit = cmp.Or(opts.GitCommit, env.gitCommit)
	opts.HealthPath = cmp.Or(opts.HealthPath, "/")
	opts.MaxBody = cmp.Or(opts.MaxBody, 256<<20)
	if opts.Logger == nil {
		opts.Logger = newLogger(os.Stderr, env.level, env.alloc)
	}
	m := &Module{name: name, opts: opts, log: opts.Logger, env: env, faults: faults, methods: make(map[string]*method), client: progressClient()}
	if name == "" || strings.Contains(name, ".") {
		panic(fmt.Sprintf("sdk: %q is no name of a module", name))
	}
	Handle(m, "status", m.status)
	return m
}

// Name returns the module's name.
func (m *Module) Name() string { return m.name }

// Logger returns the log for what belongs to no call.
func (m *Module) Logger() *slog.Logger { return m.log }

// Handler returns the whole service, for a server of one's own or a test.
func (m *Module) Handler() http.Handler { return http.HandlerFunc(m.serve) }

// add registers a method.
func (m *Module) add(meth *method, opts []MethodOption) {
	meth.fewest = meth.arity
	for _, opt := range opts {
		opt(meth)
	}
	name := meth.name
	meth.name = m.name + "." + name
	switch {
	case name == "" || strings.ContainsAny(name, ". \""):
		panic(fmt.Sprintf("sdk: %q is no name of a method", name))
	case m.methods[meth.name] != nil && name == "status":
		panic("sdk: the method status is there already; Options.Status adds to it")
	case m.methods[meth.name] != nil:
		panic(fmt.Sprintf("sdk: %s is registered twice", meth.name))
	case meth.params != nil && meth.arity != len(meth.params):
		panic(fmt.Sprintf("sdk: the function of %s has %d parameters, and Params names %d", meth.name, meth.arity, len(meth.params)))
	}
	m.methods[meth.name] = meth
}

// unknown is the error for a method that is not there.
func (m *Module) unknown(name []byte) *Error {
	var known []string
	for name := range m.methods {
		known = append(known, name)
	}
	slices.Sort(known)
	return errorf(CodeMethod, "there is no method %s: there are %s", excerpt(name), strings.Join(known, ", "))
}
