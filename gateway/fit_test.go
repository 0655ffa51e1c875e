package gateway_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/service"
)

// checker finds a misfit in params that have "bad" in them, and none can be
// found in those that have "lost".
type checker struct {
	mu   sync.Mutex
	seen []string // method and params of each check
}

func (c *checker) misfits(_ context.Context, v *service.Version, method string, params []byte) ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = append(c.seen, v.Module+"."+method+string(params[:min(20, len(params))]))
	switch {
	case strings.Contains(string(params), "lost"):
		return nil, errors.New("the interface is lost")
	case strings.Contains(string(params), "bad"):
		return []string{"$[0]: is bad", "$[1].x: is worse"}, nil
	}
	return nil, nil
}

func (c *checker) checks() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := c.seen
	c.seen = nil
	return seen
}

// checkedKit has methods that are checked always, never, and in calls by dev.
func checkedKit(t *testing.T) (*kit, *checker) {
	t.Helper()
	c := &checker{}
	k := newKit(t, func(s *setup) {
		s.opts.Misfits = c.misfits
		s.version.Typed = true
		s.version.Methods = []service.Method{{Name: "always", Validate: new(true)}, {Name: "never", Validate: new(false)}, {Name: "usual"}}
	})
	return k, c
}

func TestParametersAreCheckedWhereTheVersionWantsIt(t *testing.T) {
	k, c := checkedKit(t)
	k.up(k.backend(hello))
	bad := func(method string) string {
		return `{"version":"1.1","id":"7","method":"Echo.` + method + `","params":["bad"]}`
	}
	const said = "the parameters of Echo.%s do not fit: $[0]: is bad; $[1].x: is worse"
	for _, tt := range []struct {
		path, method string
		refused      bool
	}{
		{"/svc/Echo", "always", true}, {"/svc/Echo@dev", "always", true}, {"/svc/Echo@1.2.0", "always", true},
		{"/svc/Echo", "never", false}, {"/svc/Echo@dev", "never", false},
		{"/svc/Echo", "usual", false}, {"/svc/Echo@release", "usual", false}, {"/svc/Echo@1.2.0", "usual", false},
		{"/svc/Echo@dev", "usual", true}, {"/svc/echo@dev/", "usual", true},
		{"/svc/Echo@dev", "status", false}, {"/svc/Echo@dev/below", "usual", false},
	} {
		r := k.post(tt.path, bad(tt.method))
		if !tt.refused {
			r.must(t, http.StatusOK)
			continue
		}
		r.must(t, http.StatusBadRequest, `"code":-32602`, `"id":"7"`, strings.ReplaceAll(said, "%s", tt.method))
	}
	// Without a release and a beta, dev is what calls without a version get.
	v := service.Version{ID: echo, Module: "Echo", Version: "1.2.0", Typed: true, Methods: []service.Method{{Name: "usual"}}}
	k.gw.Publish(service.Module{Name: "Echo", Tags: map[string]service.ID{"dev": echo}, Versions: []service.Version{v}})
	c.checks()
	k.post("/svc/Echo", bad("usual")).must(t, http.StatusBadRequest, "$[0]: is bad")
	if diff := cmp.Diff([]string{`Echo.usual["bad"]`}, c.checks()); diff != "" {
		t.Errorf("checks (-want +got):\n%s", diff)
	}
}

func TestMisfitsAreRefusedBeforeAnythingStarts(t *testing.T) {
	k, _ := checkedKit(t)
	k.post("/svc/Echo", `{"jsonrpc":"2.0","method":"always","params":{"a":"bad"},"id":1}`).must(t, http.StatusBadRequest,
		`"jsonrpc":"2.0"`, `"code":-32602`, `"id":1`)
	if n := k.cluster.woken(); n != 0 {
		t.Errorf("%d wakes for parameters that do not fit", n)
	}
}

func TestACheckedBodyArrivesByteForByte(t *testing.T) {
	k, c := checkedKit(t)
	k.up(k.backend(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	}))
	large := strings.Repeat("ACGT", 150<<10)
	for _, tt := range []struct {
		name, body, check string // check: "" where none is made
	}{
		{"small", ` { "params" : [1.50, "x"],"method":"Echo.always" }`, `Echo.always[1.50, "x"]`},
		{"none", `{"method":"Echo.always"}`, `Echo.always`},
		{"larger than the first look", `{"method":"Echo.always","params":["` + large + `"]}`, `Echo.always["ACGTACGTACGTACGTAC`},
		{"too large", `{"method":"Echo.always","params":["bad` + large + large + `"]}`, ""},
		{"not JSON", `{"method":"Echo.always","params":["bad",]}`, `Echo.always["bad",]`},
		{"nobody can say", `{"method":"Echo.always","params":["lost"]}`, `Echo.always["lost"]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var want []string
			if tt.check != "" {
				want = []string{tt.check, tt.check}
			}
			r := k.post("/svc/Echo", tt.body)
			r.must(t, http.StatusOK)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.url+"/svc/Echo", io.MultiReader(strings.NewReader(tt.body)))
			if err != nil {
				t.Fatal(err)
			}
			chunked := send(k.client, req)
			chunked.must(t, http.StatusOK)
			if r.body != tt.body || chunked.body != tt.body {
				t.Errorf("%d bytes came back as %d, in chunks as %d", len(tt.body), len(r.body), len(chunked.body))
			}
			if diff := cmp.Diff(want, c.checks()); diff != "" {
				t.Errorf("checks (-want +got):\n%s", diff)
			}
		})
	}
}
