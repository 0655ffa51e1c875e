package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/e2e/cluster"
	"github.com/dynsvc/dynsvc/service"
)

// agent is a dynsvc that runs, and its control API.
type agent struct {
	*process
	url, token string
}

// startAgent runs "dynsvc agent" on the cluster and returns when it is ready. more
// is further blocks of its configuration.
func (b *bench) startAgent(ctx context.Context, name, jobs string, more ...string) (*agent, error) {
	return b.startAgentAt(ctx, name, "http://", "", jobs, more...)
}

// startAgentAt is startAgent for one that is reached by another scheme, or has more to
// say to Consul.
func (b *bench) startAgentAt(ctx context.Context, name, scheme, consul, jobs string, more ...string) (*agent, error) {
	c, err := b.cluster(ctx)
	if err != nil {
		return nil, err
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(b.dir, name+".hcl")
	text := fmt.Sprintf("listen = %q\ndata_dir = %q\ntoken = \"bench\"\nnomad {\n  address = %q\n}\nconsul {\n  address = %q\n%s}\njobs {\n%s\n}\n%s\n",
		addr, filepath.Join(b.dir, name), c.NomadAddr, c.ConsulAddr, consul, jobs, strings.Join(more, "\n"))
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return nil, err
	}
	p, err := b.start(name, nil, b.dynsvc, "agent", "-config", config)
	if err != nil {
		return nil, err
	}
	a := &agent{process: p, url: scheme + addr, token: "bench"}
	if err := p.answers(ctx, a.url+"/readyz"); err != nil {
		p.stop()
		return nil, err
	}
	return a, nil
}

// api asks the control API. in and out may be nil.
func (a *agent) api(ctx context.Context, method, path string, in, out any) (err error) {
	body := io.Reader(http.NoBody)
	switch in := in.(type) {
	case nil:
	case io.Reader:
		body = in
	default:
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.url+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, text)
	}
	switch out := out.(type) {
	case nil:
		return nil
	case *string:
		*out = string(text)
		return nil
	}
	return json.Unmarshal(text, out)
}

// register uploads a module and returns its service id.
func (b *bench) register(ctx context.Context, a *agent, dir string) (service.ID, error) {
	out, err := exec.CommandContext(ctx, b.dynsvc, "register", dir, "-tag", "release", "-addr", a.url, "-token", a.token, "-json").Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return "", fmt.Errorf("register %s: %s", dir, exit.Stderr)
	}
	var got struct{ Version service.Version }
	if err := errors.Join(err, json.Unmarshal(out, &got)); err != nil {
		return "", err
	}
	return got.Version.ID, nil
}

// down scales to zero and waits until the agent knows that nothing is left.
func (a *agent) down(ctx context.Context, id service.ID) error {
	if err := a.api(ctx, http.MethodPost, "/api/v1/services/"+string(id)+"/scale", map[string]int{"count": 0}, nil); err != nil {
		return err
	}
	return cluster.WaitFor(ctx, string(id)+" to be idle", time.Minute, func(ctx context.Context) error {
		var s struct {
			Phase service.Phase
			State service.State
		}
		if err := a.api(ctx, http.MethodGet, "/api/v1/services/"+string(id), nil, &s); err != nil {
			return err
		}
		if s.Phase != service.Idle || s.State.Count != 0 || len(s.State.Endpoints) > 0 {
			return fmt.Errorf("it is %s with count %d", s.Phase, s.State.Count)
		}
		return nil
	})
}
