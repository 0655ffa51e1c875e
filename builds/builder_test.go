package builds_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/builds"
	"github.com/dynsvc/dynsvc/service"
)

// cluster runs builds as a test tells it.
type cluster struct {
	mu    sync.Mutex
	runs  map[string]bool // id -> not ended yet
	most  int             // that were followed at once
	now   int
	begun int
	run   func(ctx context.Context, say func(task, text string)) error
	begin error
}

func (c *cluster) Begin(_ context.Context, b service.Build) (builds.Run, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := b.Module + "/" + b.Source
	if !c.runs[id] && c.begin == nil {
		c.begun++
		c.runs[id] = true
	}
	return builds.Run{ID: id, Image: "registry:5000/x/" + strings.ToLower(b.Module) + ":" + b.Source}, c.begin
}

func (c *cluster) Follow(ctx context.Context, _ string, emit func(string, []byte) error, waits func(string)) error {
	c.mu.Lock()
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	defer func() { c.mu.Lock(); c.now--; c.mu.Unlock() }()
	waits("no node can take it now")
	return c.run(ctx, func(task, text string) {
		if err := emit(task, []byte(text)); err != nil {
			panic(err)
		}
	})
}

func (c *cluster) End(_ context.Context, id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs[id] = false
	return nil
}

var digest = "sha256:" + strings.Repeat("ab", 32)

// good is a run that ends well after a time.
func good(took time.Duration) func(context.Context, func(task, text string)) error {
	return func(ctx context.Context, say func(task, text string)) error {
		say("build", "Step 1/1 : FROM scratch\ndigest: sha256:"+strings.Repeat("00", 32)+" size: 1\n")
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(took):
		}
		say("push", "Pushed\n1: digest: "+digest+" si")
		say("push", "ze: 528\n")
		return nil
	}
}

// bench runs a builder on a cluster in a bubble of time.
func bench(t *testing.T, c *cluster, opts builds.Options, test func(t *testing.T, b *builds.Builder, stop func())) {
	t.Helper()
	opts.Dir = t.TempDir()
	c.runs = map[string]bool{}
	synctest.Test(t, func(t *testing.T) {
		b := builds.New(c, hclog.NewNullLogger(), opts)
		if err := b.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if err := b.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		test(t, b, stop)
		stop()
		running.Wait()
	})
}

func of(module string) service.Build {
	return service.Build{Module: module, Version: "1.0.0", Source: "0123", Dockerfile: "Dockerfile"}
}

func TestTheSameFilesAreBuiltOnce(t *testing.T) {
	c := &cluster{run: good(time.Minute)}
	bench(t, c, builds.Options{}, func(t *testing.T, b *builds.Builder, _ func()) {
		var all sync.WaitGroup
		var logs [3]bytes.Buffer
		for i := range logs {
			all.Go(func() {
				image, err := b.Build(t.Context(), of("Echo"), &logs[i])
				if err != nil || image != "registry:5000/x/echo@"+digest {
					t.Errorf("built %q, %v", image, err)
				}
			})
		}
		all.Wait()
		if c.begun != 1 || c.runs["Echo/0123"] {
			t.Errorf("begun %d times, left %v", c.begun, c.runs)
		}
		want := "building registry:5000/x/echo:0123\nwaiting: no node can take it now\nStep 1/1 : FROM scratch\n"
		for i := range logs {
			if got := logs[i].String(); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "built registry:5000/x/echo@"+digest+"\n") {
				t.Errorf("log %d:\n%s", i, got)
			}
		}
		var kept bytes.Buffer
		if err := b.Log(t.Context(), &kept, of("Echo")); err != nil || kept.String() != logs[0].String() {
			t.Errorf("kept %q, %v", kept.String(), err)
		}
	})
}

func TestSoManyBuildsGoOnAtATime(t *testing.T) {
	c := &cluster{run: good(time.Minute)}
	bench(t, c, builds.Options{Concurrency: 2, Waiting: 3}, func(t *testing.T, b *builds.Builder, _ func()) {
		var all sync.WaitGroup
		for i := range 5 {
			all.Go(func() {
				if _, err := b.Build(t.Context(), of(fmt.Sprintf("M%d", i)), &bytes.Buffer{}); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		if _, err := b.Build(t.Context(), of("TooMany"), &bytes.Buffer{}); !errors.Is(err, service.ErrUnavailable) || !strings.Contains(err.Error(), "3 builds wait") {
			t.Errorf("one too many: %v", err)
		}
		all.Wait()
		if c.most != 2 {
			t.Errorf("%d at a time", c.most)
		}
	})
}

func TestABuildNobodyWaitsForIsEnded(t *testing.T) {
	c := &cluster{run: good(time.Hour)}
	bench(t, c, builds.Options{Time: 2 * time.Hour}, func(t *testing.T, b *builds.Builder, _ func()) {
		first, leaveFirst := context.WithCancel(t.Context())
		second, leaveSecond := context.WithCancelCause(t.Context())
		ended := make(chan error, 2)
		for _, ctx := range []context.Context{first, second} {
			go func() { _, err := b.Build(ctx, of("Echo"), &bytes.Buffer{}); ended <- err }()
		}
		synctest.Wait()
		leaveFirst()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		synctest.Wait()
		if !c.runs["Echo/0123"] {
			t.Error("it was ended though somebody waits")
		}
		reason := errors.New("cancelled by ada")
		leaveSecond(reason)
		if err := <-ended; !errors.Is(err, reason) {
			t.Error(err)
		}
		synctest.Wait()
		if c.runs["Echo/0123"] {
			t.Error("it goes on though nobody waits")
		}
		c.run = good(time.Second)
		if _, err := b.Build(t.Context(), of("Echo"), &bytes.Buffer{}); err != nil || c.begun != 2 {
			t.Errorf("asked for again: begun %d, %v", c.begun, err)
		}
	})
}

func TestAnAgentsEndLeavesItsBuilds(t *testing.T) {
	c := &cluster{run: good(time.Hour)}
	bench(t, c, builds.Options{Time: 2 * time.Hour}, func(t *testing.T, b *builds.Builder, stop func()) {
		ended := make(chan error, 1)
		go func() { _, err := b.Build(t.Context(), of("Echo"), &bytes.Buffer{}); ended <- err }()
		synctest.Wait()
		stop()
		if err := <-ended; !errors.Is(err, service.ErrUnavailable) || !strings.Contains(err.Error(), "register it again") {
			t.Error(err)
		}
		if !c.runs["Echo/0123"] {
			t.Error("the build was ended with the agent")
		}
	})
}

func TestFailuresAreExplained(t *testing.T) {
	fails := func(task string, exit int, said ...string) func(context.Context, func(task, text string)) error {
		return func(_ context.Context, say func(task, text string)) error {
			for i := 0; i < len(said); i += 2 {
				say(said[i], said[i+1])
			}
			return &service.BatchError{Task: task, Exit: exit, Text: fmt.Sprintf("exited with code %d after 2 s", exit)}
		}
	}
	tests := []struct {
		name string
		run  func(context.Context, func(task, text string)) error
		kind error
		want string
	}{
		{"a step", fails("build", 1, "build", "Step 1/3 : FROM scratch\n ---> 1\nStep 2/3 : RUN make\n ---> Running in 1\nmake: *** no targets\n", "build", "The command '/bin/sh -c make' returned a non-zero code: 2\n"), service.ErrInvalid,
			"the Dockerfile failed at step 2/3, RUN make (it exited with code 1 after 2 s); what it said last:\n  ---> Running in 1\n  make: *** no targets\n  The command '/bin/sh -c make' returned a non-zero code: 2"},
		{"a step of BuildKit", fails("build", 1, "build", "#5 [stage-1 2/3] RUN make\n#5 0.2 make: *** no targets\n#5 ERROR: exit code: 2\n"), service.ErrInvalid,
			"the Dockerfile failed at step 2/3, RUN make (it exited with code 1 after 2 s); what it said last:\n  #5 0.2 make: *** no targets\n  #5 ERROR: exit code: 2"},
		{"no step", fails("build", 1, "build", "Cannot connect to the Docker daemon"), service.ErrInvalid,
			"docker build failed before its first step (it exited with code 1 after 2 s):\n  Cannot connect to the Docker daemon"},
		{"build time", fails("build", 124, "build", "Step 1/1 : RUN sleep 99\n"), service.ErrInvalid,
			"the image was not built in the time that the operator allows at step 1/1, RUN sleep 99; what it said last: nothing"},
		{"push", fails("push", 1, "build", "Step 1/1 : FROM scratch\n", "push", "denied: requested access is denied\n"), service.ErrUnavailable,
			"the image was built, but the registry did not take it (the push exited with code 1 after 2 s):\n  denied: requested access is denied"},
		{"push time", fails("push", 124, "push", "waiting\n"), service.ErrUnavailable,
			"the image was built, but not pushed in the time that the operator allows; what the push said last:\n  waiting"},
		{"node", func(context.Context, func(task, text string)) error {
			return &service.BatchError{Lost: true, Text: "the node b1, which ran it, was lost"}
		}, service.ErrUnavailable, "the image was not built: the node b1, which ran it, was lost: register it again"},
		{"stopped", func(context.Context, func(task, text string)) error {
			return &service.BatchError{Text: "it was stopped in Nomad"}
		}, service.ErrUnavailable, "the image was not built: it was stopped in Nomad"},
		{"a digest that the build made up", func(_ context.Context, say func(task, text string)) error {
			say("build", "1: digest: "+digest+" size: 528\n")
			return nil
		}, service.ErrUnavailable, "the image was built, but its push told no digest; what it said last:\n  1: digest: " + digest + " size: 528"},
		{"no place", good(100 * time.Hour), service.ErrUnavailable, "the image was not built within 1h0m0s, the wait for a builder node included"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &cluster{run: tt.run}
			bench(t, c, builds.Options{}, func(t *testing.T, b *builds.Builder, _ func()) {
				var log bytes.Buffer
				_, err := b.Build(t.Context(), of("Echo"), &log)
				if err == nil || err.Error() != tt.want || !errors.Is(err, tt.kind) {
					t.Errorf("error\n%v\nwant\n%s", err, tt.want)
				}
				if !strings.HasSuffix(log.String(), "not built: "+tt.want+"\n") {
					t.Errorf("log\n%s", &log)
				}
				if c.runs["Echo/0123"] {
					t.Error("its run is left")
				}
			})
		})
	}
}

func TestAClusterThatBuildsNothingSaysSo(t *testing.T) {
	c := &cluster{begin: service.Errorf(service.ErrUnavailable, "no node of the class builder is ready")}
	bench(t, c, builds.Options{}, func(t *testing.T, b *builds.Builder, _ func()) {
		var log bytes.Buffer
		if _, err := b.Build(t.Context(), of("Echo"), &log); !errors.Is(err, c.begin) || log.String() != "not built: no node of the class builder is ready\n" {
			t.Errorf("%v\n%s", err, &log)
		}
	})
}
