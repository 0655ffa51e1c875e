package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"strings"
	"time"

	consul "github.com/hashicorp/consul/api"

	"github.com/dynsvc/dynsvc/service"
)

// calm is waited for before each start. A client is not done when the first
// answer is there, nor when an allocation counts as ended: loggers start and
// networks are taken down, and nothing tells when that is over.
const calm = 2 * time.Second

const coldModule = `module %q {
  version = "1.0.0"
  run {
    %s
    port = 5000
  }
  resources {
    cpu    = 100
    memory = 64
    disk   = 50
  }
  scale {
    max             = 4
    max_concurrency = 1000
    idle_after      = "1h"
  }
  method "echo" {
    timeout = "60s"
  }
}
`

// cold is raw_exec without a mesh. The module's files come from the agent, as
// they do for every module that names a command.
func (b *bench) cold(ctx context.Context) error {
	a, id, err := b.coldAgent(ctx, "cold")
	if err != nil {
		return err
	}
	defer a.stop()
	return b.coldRounds(ctx, "cold first byte, raw_exec", "scripts/bench cold", a, id, false)
}

// coldAgent runs an agent for raw_exec and registers the service.
func (b *bench) coldAgent(ctx context.Context, name string) (*agent, service.ID, error) {
	a, err := b.startAgent(ctx, name, "  drivers = [\"raw_exec\"]\n")
	if err != nil {
		return nil, "", err
	}
	id, err := b.coldService(ctx, a, name, `command = "./answer"`)
	if err != nil {
		a.stop()
	}
	return a, id, err
}

// mesh is docker behind a sidecar; the image is there after the first start.
func (b *bench) mesh(ctx context.Context) error {
	a, id, err := b.meshAgent(ctx, "mesh")
	if err != nil {
		return err
	}
	defer a.stop()
	// The agent lets the gateway in to its own services; the floor's needs it too.
	_, _, err = b.servers.Consul.ConfigEntries().Set(&consul.ServiceIntentionsConfigEntry{
		Kind: consul.ServiceIntentions, Name: "bare-" + strings.TrimPrefix(string(id), "dyn-"),
		Sources: []*consul.SourceIntention{{Name: "dynsvc-gateway", Action: consul.IntentionActionAllow}},
	}, nil)
	if err != nil {
		return err
	}
	return b.coldRounds(ctx, "cold first byte, docker + Connect", "scripts/bench mesh", a, id, true)
}

// meshAgent runs an agent for Docker and Connect and registers the service.
func (b *bench) meshAgent(ctx context.Context, name string) (*agent, service.ID, error) {
	c, err := b.cluster(ctx)
	if err != nil {
		return nil, "", err
	}
	image, err := c.BuildImage(ctx, clusterImage(b.answer))
	if err != nil {
		return nil, "", err
	}
	a, err := b.startAgent(ctx, name, fmt.Sprintf("  drivers = [\"docker\"]\n  mesh = \"connect\"\n  sidecar = \"consul\"\n  consul_binary = %q\n  consul_address = %q\n",
		c.ConsulBin, c.BridgeAddr))
	if err != nil {
		return nil, "", err
	}
	id, err := b.coldService(ctx, a, name, fmt.Sprintf("image = %q", image))
	if err != nil {
		a.stop()
	}
	return a, id, err
}

func (b *bench) coldService(ctx context.Context, a *agent, name, run string) (service.ID, error) {
	dir := filepath.Join(b.dir, "modules", name)
	if err := writeFiles(dir, map[string]string{"module.hcl": fmt.Sprintf(coldModule, name, run)}); err != nil {
		return "", err
	}
	if strings.HasPrefix(run, "command") {
		program, err := os.ReadFile(b.answer)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, "answer"), program, 0o755); err != nil { //nolint:gosec // a program
			return "", err
		}
	}
	return b.register(ctx, a, dir)
}

// coldRounds lets dynsvc and the floor take turns in being first, both from zero.
func (b *bench) coldRounds(ctx context.Context, what, command string, a *agent, id service.ID, mesh bool) error {
	var hcl string
	module, _, _ := strings.Cut(strings.TrimPrefix(string(id), "dyn-"), "-")
	if err := a.api(ctx, http.MethodGet, "/api/v1/modules/"+module+"/versions/"+string(id)+"/jobspec", nil, &hcl); err != nil {
		return err
	}
	f, err := newFloor(ctx, b.servers, hcl, string(id))
	if err != nil {
		return fmt.Errorf("the floor's job: %w", err)
	}
	if mesh {
		if f.dial, err = meshDial(ctx, b.servers.Consul); err != nil {
			return err
		}
	}
	var ours, floor []time.Duration
	for round := range b.rounds + 1 { // the first pulls images and fills caches
		var mine, bare, placed time.Duration
		var phases string
		start := []func() error{
			func() (err error) { mine, phases, err = firstByte(ctx, a.url+"/svc/"+module+"@release"); return err },
			func() (err error) { bare, placed, err = f.start(ctx); return err },
		}
		for i := range start {
			if err := errors.Join(sleep(ctx, calm), b.quiet(ctx)); err != nil {
				return err
			}
			if err := start[(i+round)%2](); err != nil {
				return errors.Join(fmt.Errorf("round %d: %w", round, err), fmt.Errorf("log of the agent: %s", a.log))
			}
		}
		if round > 0 {
			ours, floor = append(ours, mine), append(floor, bare)
		}
		note("round %2d: dynsvc %4d ms (%s), floor %4d ms (placed after %d ms)", round, mine.Milliseconds(), phases, bare.Milliseconds(), placed.Milliseconds())
		if err := f.scale(ctx, 0); err != nil {
			return err
		}
		if err := errors.Join(a.down(ctx, id), ended(ctx, f.nomad, string(id)), ended(ctx, f.nomad, f.id)); err != nil {
			return err
		}
	}
	for _, q := range []struct {
		name string
		of   float64
	}{{"median", 0.5}, {"p90", 0.9}} {
		mine, bare := quantile(ours, q.of), quantile(floor, q.of)
		r := row{what: what + ", " + q.name, measured: ms(mine), against: "floor " + ms(bare), ratio: fmt.Sprintf("%.2f", float64(mine)/float64(bare)), command: command}
		if q.of == 0.5 {
			r.budget = "≤ 1.25"
		}
		b.table.add(r, float64(mine) <= 1.25*float64(bare))
	}
	return nil
}

// firstByte calls and returns how long the first byte of a good answer took.
func firstByte(ctx context.Context, url string) (took time.Duration, phases string, err error) {
	began := time.Now()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotFirstResponseByte: func() { took = time.Since(began) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(call))
	if err != nil {
		return 0, "", err
	}
	began = time.Now()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, text)
	}
	return took, res.Header.Get("Server-Timing"), err
}
