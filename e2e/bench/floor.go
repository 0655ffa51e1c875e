package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	consul "github.com/hashicorp/consul/api"
	nomad "github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/e2e/cluster"
)

// dialPause is how long the floor waits before it dials again. A pause of
// nothing at all takes time from what is being started on the same cores.
const dialPause = 2 * time.Millisecond

// floor is what no one who starts a job on Nomad can be faster than: a scale
// call, the event that tells the address, and a dial loop.
type floor struct {
	nomad  *nomad.Client
	id     string
	dial   func(ctx context.Context, addr string) (net.Conn, error)
	placed chan string // addresses of new allocations, from the event stream
}

// newFloor registers the very job that dynsvc has, under another name.
func newFloor(ctx context.Context, c *cluster.Cluster, hcl, id string) (*floor, error) {
	bare := "bare-" + strings.TrimPrefix(id, "dyn-")
	hcl = strings.ReplaceAll(hcl, id, bare)
	hcl = strings.ReplaceAll(hcl, variable(id), variable(bare))
	job, err := c.Nomad.Jobs().ParseHCL(hcl, true)
	if err != nil {
		return nil, err
	}
	if _, _, err := c.Nomad.Jobs().Register(job, (&nomad.WriteOptions{}).WithContext(ctx)); err != nil {
		return nil, err
	}
	f := &floor{nomad: c.Nomad, id: bare, dial: plainDial, placed: make(chan string, 16)}
	return f, f.follow(ctx, c.NomadAddr)
}

// variable is a service's name as Nomad writes it into variables.
func variable(id string) string { return strings.ReplaceAll(id, "-", "_") }

// follow opens the event stream and sends the addresses that it tells.
func (f *floor) follow(ctx context.Context, addr string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, addr+"/v1/event/stream?index=9223372036854775807&topic=Allocation:"+f.id, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req) //nolint:bodyclose // below
	if err != nil {
		return err
	}
	go func() {
		defer res.Body.Close()
		lines := json.NewDecoder(res.Body)
		for {
			var batch struct {
				Events []struct {
					Type    string
					Payload struct{ Allocation *nomad.Allocation }
				}
			}
			if lines.Decode(&batch) != nil {
				return
			}
			for _, e := range batch.Events {
				if a := e.Payload.Allocation; e.Type == "PlanResult" && a.DesiredStatus == nomad.AllocDesiredStatusRun && a.AllocatedResources != nil {
					p := a.AllocatedResources.Shared.Ports[0]
					for _, port := range a.AllocatedResources.Shared.Ports {
						if strings.HasPrefix(port.Label, "connect-proxy-") {
							p = port
						}
					}
					f.placed <- fmt.Sprintf("%s:%d", p.HostIP, p.Value)
				}
			}
		}
	}()
	return nil
}

// start scales to one and returns when the first byte of an answer is there.
func (f *floor) start(ctx context.Context) (took, placed time.Duration, err error) {
	began := time.Now()
	if err := f.scale(ctx, 1); err != nil {
		return 0, 0, err
	}
	var addr string
	select {
	case addr = <-f.placed:
	case <-time.After(time.Minute):
		return 0, 0, errors.New("nothing was placed")
	}
	placed = time.Since(began)
	for time.Since(began) < time.Minute {
		if f.ask(ctx, addr) == nil {
			return time.Since(began), placed, nil
		}
		if err := sleep(ctx, dialPause); err != nil {
			return 0, 0, err
		}
	}
	return 0, 0, fmt.Errorf("%s never answered", addr)
}

// ask sends the call and returns with the first byte of a good answer.
func (f *floor) ask(ctx context.Context, addr string) error {
	conn, err := f.dial(ctx, addr)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // it was only asked
	if err := conn.SetDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(call), call); err != nil {
		return err
	}
	first := make([]byte, len("HTTP/1.1 200"))
	if _, err := io.ReadFull(bufio.NewReader(conn), first); err != nil {
		return err
	}
	if !bytes.HasSuffix(first, []byte("200")) {
		return errors.New(string(first))
	}
	return nil
}

func (f *floor) scale(ctx context.Context, n int) error {
	_, _, err := f.nomad.Jobs().ScaleWithRequest(f.id, &nomad.ScalingRequest{
		Count: new(int64(n)), Target: map[string]string{"Group": "app"}, Message: "bench",
	}, (&nomad.WriteOptions{}).WithContext(ctx))
	return err
}

// ended waits until a job has no allocation that lives.
func ended(ctx context.Context, client *nomad.Client, id string) error {
	return cluster.WaitFor(ctx, id+" to have ended", time.Minute, func(ctx context.Context) error {
		allocs, _, err := client.Jobs().Allocations(id, false, (&nomad.QueryOptions{}).WithContext(ctx))
		if err != nil {
			return err
		}
		for _, a := range allocs {
			if a.ClientStatus == nomad.AllocClientStatusRunning || a.ClientStatus == nomad.AllocClientStatusPending {
				return fmt.Errorf("allocation %s is %s", a.ID, a.ClientStatus)
			}
		}
		return nil
	})
}

func plainDial(ctx context.Context, addr string) (net.Conn, error) {
	return (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr)
}

// meshDial dials through sidecars with the gateway's own certificate, fetched
// once. It looks at no one else's, which takes no time at all.
func meshDial(ctx context.Context, c *consul.Client) (func(context.Context, string) (net.Conn, error), error) {
	leaf, _, err := c.Agent().ConnectCALeaf("dynsvc-gateway", (&consul.QueryOptions{}).WithContext(ctx))
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair([]byte(leaf.CertPEM), []byte(leaf.PrivateKeyPEM))
	if err != nil {
		return nil, err
	}
	dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: time.Second}, Config: &tls.Config{
		Certificates: []tls.Certificate{pair}, InsecureSkipVerify: true, //nolint:gosec // the floor proves nothing
	}}
	return func(ctx context.Context, addr string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		return dialer.DialContext(ctx, "tcp", addr)
	}, nil
}
