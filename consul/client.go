package consul

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
)

// GatewayName is the identity that dynsvc's gateways have in the mesh.
const GatewayName = "dynsvc-gateway"

const (
	openTimeout = 10 * time.Second
	callTimeout = 10 * time.Second
)

// Options say how to reach the Consul agent. Where a field is empty, the
// variable that Consul's own programs read is used (CONSUL_HTTP_ADDR,
// CONSUL_HTTP_TOKEN, CONSUL_CACERT, …), and after that Consul's default.
//
// It has to be an agent of the datacenter that the services run in: leaf
// certificates are issued by the local agent only.
type Options struct {
	Address string // host:port, http://…, https://… or unix://…
	Token   string // ACL token
	TLS     TLS    // for https
}

// TLS are the files that an https connection to the agent needs.
type TLS struct {
	CAFile     string
	CertFile   string
	KeyFile    string
	ServerName string // expected in the agent's certificate; empty: the host of Address
}

// Client is a connection to a Consul agent. Its methods may be called at the
// same time.
type Client struct {
	api     *api.Client
	address string
	log     hclog.Logger
	fresh   atomic.Bool // the health watch has heard from Consul lately
}

// Open connects to the agent and makes sure that it answers and has a leader.
func Open(ctx context.Context, opts Options, log hclog.Logger) (*Client, error) {
	c, err := newClient(opts, log)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	leader, err := c.api.Status().LeaderWithQueryOptions((&api.QueryOptions{}).WithContext(ctx))
	if err != nil {
		return nil, c.explain("connect", err)
	}
	if leader == "" {
		return nil, service.Errorf(service.ErrUnavailable,
			"connect: consul at %s has no leader: wait for the servers to elect one, or look at its log", c.address)
	}
	c.log.Info("connected", "addr", c.address)
	return c, nil
}

func newClient(opts Options, log hclog.Logger) (*Client, error) {
	config := api.DefaultConfig()
	if opts.Address != "" {
		config.Address = opts.Address
	}
	if opts.Token != "" {
		config.Token = opts.Token
	}
	for _, set := range []struct{ to, from *string }{
		{&config.TLSConfig.CAFile, &opts.TLS.CAFile},
		{&config.TLSConfig.CertFile, &opts.TLS.CertFile},
		{&config.TLSConfig.KeyFile, &opts.TLS.KeyFile},
		{&config.TLSConfig.Address, &opts.TLS.ServerName},
	} {
		if *set.from != "" {
			*set.to = *set.from
		}
	}
	// A dial to an address that swallows packets must not hold a watch for minutes.
	config.Transport.DialContext = (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext
	config.Transport.ResponseHeaderTimeout = identityWait + 30*time.Second // longer than any blocking query
	config.Transport.MaxIdleConnsPerHost = 8
	address := config.Address
	client, err := api.NewClient(config)
	if err != nil {
		return nil, service.Errorf(service.ErrInvalid, "connect to consul at %s: %w", address, err)
	}
	return &Client{api: client, address: address, log: log}, nil
}

// Fresh reports whether the health watch has heard from Consul lately.
func (c *Client) Fresh() bool { return c.fresh.Load() }

// within bounds one plain request, so that an agent that accepts and never
// answers costs no more than this.
func within(ctx context.Context) (*api.QueryOptions, *api.WriteOptions, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	return (&api.QueryOptions{}).WithContext(ctx), (&api.WriteOptions{}).WithContext(ctx), cancel
}

// explain gives an error of Consul's a kind and says which agent it came from.
func (c *Client) explain(doing string, err error) error {
	code, body, ok := statusOf(err)
	if !ok {
		return service.Errorf(service.ErrUnavailable, "%s: consul at %s does not answer: %w", doing, c.address, err)
	}
	text := fmt.Sprintf("%s: consul at %s answered %d: %s", doing, c.address, code, body)
	switch code {
	case http.StatusForbidden, http.StatusUnauthorized:
		return service.Errorf(service.ErrDenied, "%s (check the ACL token and its policy)", text)
	case http.StatusNotFound:
		return service.Errorf(service.ErrNotFound, "%s", text)
	case http.StatusBadRequest:
		return service.Errorf(service.ErrInvalid, "%s", text)
	}
	return service.Errorf(service.ErrUnavailable, "%s", text)
}
