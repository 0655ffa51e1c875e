package consul

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/hashicorp/consul/api"
	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/service"
)

func TestOpen(t *testing.T) {
	leader := func(code int, body string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, body, code) }))
		t.Cleanup(server.Close)
		return server.URL
	}
	good := leader(200, `"127.0.0.1:8300"`)
	tests := []struct {
		name, address string
		kind          error
		want          string
	}{
		{"answers", good, nil, ""},
		{"without a scheme", strings.TrimPrefix(good, "http://"), nil, ""},
		{"nobody there", "127.0.0.1:1", service.ErrUnavailable, "consul at 127.0.0.1:1 does not answer"},
		{"no leader", leader(200, `""`), service.ErrUnavailable, "has no leader"},
		{"servers away", leader(500, "No known Consul servers"), service.ErrUnavailable, "answered 500: No known Consul servers"},
		{"refused", leader(403, "ACL not found"), service.ErrDenied, "answered 403: ACL not found (check the ACL token"},
		{"an odd scheme", "ftp://127.0.0.1", service.ErrInvalid, "ftp"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := Open(t.Context(), Options{Address: test.address}, hclog.NewNullLogger())
			if test.kind == nil {
				if err != nil || c == nil {
					t.Fatalf("Open: %v", err)
				}
				return
			}
			if !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.address) {
				t.Errorf("error = %v, want %q with the address %s", err, test.want, test.address)
			}
		})
	}
}

// agent is as much of an agent as a registration needs.
type agent struct {
	mu     sync.Mutex        // guards what follows, calls aside
	status map[string]string // by check; absent: not registered
	ill    error
	calls  chan string
}

func (a *agent) healthy() error { a.mu.Lock(); defer a.mu.Unlock(); return a.ill }

func (a *agent) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, did, err := a.answer(r)
	if did != "" {
		a.calls <- did
	}
	return answer, err
}

func (a *agent) answer(r *http.Request) (_ *http.Response, did string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	answer := httptest.NewRecorder()
	path, id := r.URL.Path, ""
	switch {
	case strings.HasPrefix(path, "/v1/agent/check/update/"):
		id = strings.TrimPrefix(path, "/v1/agent/check/update/")
		if _, ok := a.status[id]; !ok {
			answer.WriteHeader(http.StatusNotFound)
			break
		}
		var update struct{ Status string }
		if err := decode(r, &update); err != nil {
			return nil, "", err
		}
		a.status[id] = update.Status
		did = "reported " + update.Status
	case path == "/v1/agent/service/register":
		var s api.AgentServiceRegistration
		if err := decode(r, &s); err != nil {
			return nil, "", err
		}
		a.status[s.Check.CheckID] = s.Check.Status
		did = "registered " + s.ID + " " + s.Check.Status
	case strings.HasPrefix(path, "/v1/agent/service/deregister/"):
		did = "deregistered " + strings.TrimPrefix(path, "/v1/agent/service/deregister/")
	}
	return answer.Result(), did, nil
}

func TestRegisterGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &agent{status: map[string]string{}, calls: make(chan string)}
		client, err := api.NewClient(&api.Config{Address: "consul", HttpClient: &http.Client{Transport: a}})
		if err != nil {
			t.Fatal(err)
		}
		c := &Client{api: client, address: "consul", log: hclog.NewNullLogger()}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- c.RegisterGateway(ctx, Registration{Address: "10.0.0.5", Port: 8080}, a.healthy)
		}()
		expect := func(want string) {
			t.Helper()
			if got := <-a.calls; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		expect("registered dynsvc-gateway-10.0.0.5:8080 passing")
		expect("reported passing")
		a.mu.Lock()
		a.ill = errors.New("no certificate")
		a.mu.Unlock()
		expect("reported critical")
		a.mu.Lock()
		clear(a.status) // the agent restarted and forgot
		a.mu.Unlock()
		expect("registered dynsvc-gateway-10.0.0.5:8080 critical")
		cancel()
		expect("deregistered dynsvc-gateway-10.0.0.5:8080")
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
