package gateway_test

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/dynsvc/dynsvc/gateway"
	"github.com/dynsvc/dynsvc/lane"
	"github.com/dynsvc/dynsvc/relay"
)

// leads is the one agent that leads.
type leads string

func (l leads) Leader() (string, <-chan struct{}) { return string(l), nil }

// through is an X-Forwarded-For behind what stands before the gateway.
func through(chain string) string {
	if behindRelay {
		return chain + ", 127.0.0.1"
	}
	return chain
}

// relayed starts an agent that passes on to the kit's, and returns its URL.
func (k *kit) relayed(trusted gateway.Proxies) string {
	k.t.Helper()
	passes := relay.New(leads(k.url), trusted.Forwarded, nullLog())
	below, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		k.t.Fatal(err)
	}
	server := gateway.Server(passes, nullLog())
	front := lane.New(below, server, passes, nullLog(), gateway.Prefix, gateway.DynServ)
	served := make(chan error, 1)
	go func() { served <- server.Serve(front) }()
	k.t.Cleanup(func() {
		_ = errors.Join(front.Abort(), server.Close()) // what is open belongs to tests that failed
		if err := <-served; !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			k.t.Errorf("serve the relay: %v", err)
		}
		_ = front.Shutdown(context.Background()) // ends with Abort
		passes.Close()
	})
	return "http://" + below.Addr().String()
}
