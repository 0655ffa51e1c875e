// Command soak runs dynsvc on a real cluster under mixed load while servers are
// taken away from it, and says of each call what became of it: whether it was
// answered, refused for a reason that is known, lost, or executed twice.
//
//	scripts/soak                 ten minutes; root on Debian
//	scripts/soak -length 1h      longer
//	scripts/soak -length 0       every fault, as short as it can be: some three minutes
//	scripts/soak -mesh           the instances in the mesh
//
// Each call carries an id and a number. The service (worker) enters the id into a
// ledger before it does anything else, so that what was executed is known also
// where no answer came. The rules in fault.go are all the errors that there may be.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/dynsvc/dynsvc/e2e/cluster"
	"github.com/dynsvc/dynsvc/service"
)

// soak is one run.
type soak struct {
	dynsvc, worker string // programs
	mesh           bool
	began          time.Time
	progress       io.Writer

	servers   *cluster.Cluster
	disk      *disk // of the agent
	url       string
	client    *http.Client
	ledger    *ledger
	ledgerURL string

	versions [3]service.ID // of the module that is called most, 1.0.0 and 2.0.0, and the one called in surges
	released int           // index of the version that the tag means
	phase    atomic.Int64  // index of the phase that it is in
	percent  atomic.Int64  // of the usual load

	book   book
	faults faults
	looks  []look   // watch's, until it has ended
	felts  []string // what was seen to have happened
	unfelt error    // what was not
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	s := &soak{progress: stderr, began: time.Now(), client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100, IdleConnTimeout: 30 * time.Second}}}
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.dynsvc, "dynsvc", "", "the dynsvc program (scripts/soak gives it)")
	flags.StringVar(&s.worker, "worker", "", "the service (scripts/soak gives it)")
	flags.BoolVar(&s.mesh, "mesh", false, "run the instances in the mesh, behind Consul's own proxy")
	length := flags.Duration("length", 10*time.Minute, "of the load; 0: as short as every fault can be")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if s.servers, err = cluster.Start(ctx, cluster.Options{NoDocker: true, Progress: stderr}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.servers.Stop()) }()
	if s.disk, err = mount(filepath.Join(s.servers.Dir, "data"), 512); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.servers.StopProcess(agentName), s.disk.unmount()) }()
	if err := s.open(ctx); err != nil {
		return err
	}
	if err := s.soak(ctx, *length); err != nil {
		return err
	}
	if err := errors.Join(s.report(stdout), s.settled(ctx)); err != nil {
		return fmt.Errorf("%w\nlogs are in %s", err, filepath.Join(s.servers.Dir, "logs"))
	}
	return nil
}

// open starts the agent and registers the modules.
func (s *soak) open(ctx context.Context) (err error) {
	host, _, _ := strings.Cut(s.servers.BridgeAddr, ":")
	if s.ledger, s.ledgerURL, err = openLedger(ctx, host); err != nil {
		return err
	}
	if err := s.configure(); err != nil {
		return err
	}
	if err := s.servers.Run(agentName, []string{s.dynsvc, "agent", "-config", s.config()}); err != nil {
		return err
	}
	if err := s.ready(ctx); err != nil {
		return err
	}
	return s.modules(ctx)
}

// soak makes calls through all phases and returns when the last one has ended.
func (s *soak) soak(ctx context.Context, length time.Duration) error {
	s.percent.Store(phases[0].percent)
	looking, stopLooking := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { s.watch(looking) })
	loading, calm := context.WithCancel(ctx)
	s.load(loading)
	err := s.run(ctx, length)
	calm()
	s.note("no further calls; those that are open end")
	s.book.open.Wait()
	stopLooking()
	watching.Wait()
	return err
}

// note says what goes on.
func (s *soak) note(format string, args ...any) {
	fmt.Fprintf(s.progress, "%6.1fs  %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}
