package kbase_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/errgroup"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/gateway"
	"github.com/dynsvc/dynsvc/local"
	"github.com/dynsvc/dynsvc/scheduler"
	"github.com/dynsvc/dynsvc/server/kbase"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// people are the tokens that tests know.
var people = map[string]service.Caller{
	"ADA":   {Name: "ada", Role: service.User, From: service.FromKBase},
	"GRACE": {Name: "grace", Role: service.User, From: service.FromKBase},
	"ROOT":  {Name: "root", Role: service.Admin, From: service.FromKBase},
}

// users authenticates with the bare token, as KBase does, and counts.
type users struct {
	mu    sync.Mutex
	asked int
	down  bool
}

func (u *users) Authenticate(_ context.Context, token string) (service.Caller, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.asked++
	if u.down {
		return service.Caller{}, service.Errorf(service.ErrUnavailable, "the auth service does not answer")
	}
	if c, ok := people[token]; ok {
		return c, nil
	}
	return service.Caller{}, service.Errorf(service.ErrUnauthenticated, "the token is not known")
}

// Own is of tokens of dynsvc itself, of which there are none.
func (u *users) Own(string) bool { return false }

// vault is Nomad's variables in memory.
type vault struct {
	mu   sync.Mutex
	kept map[string]map[string]string
}

func (v *vault) Secrets(_ context.Context, path string) (map[string]string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.kept[path]), nil
}

func (v *vault) SetSecrets(_ context.Context, path string, values map[string]string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.kept[path] = maps.Clone(values)
	return nil
}

// world is the facade with a gateway, an engine and services that run: child
// processes, as in dynsvc dev.
type world struct {
	t       testing.TB
	url     string
	db      *store.DB
	catalog *catalog.Catalog
	facade  *kbase.Facade
	gateway *gateway.Gateway
	engine  *scheduler.Engine
	runtime *local.Runtime
	users   *users
	vault   *vault
	parts   kbase.Parts
	dir     string
}

// Check and the like are the deployer's, which this is.
func (w *world) Check(context.Context, service.Version) ([]string, error) { return nil, nil }

func (w *world) Deploy(ctx context.Context, v service.Version) error {
	v, err := w.facade.Prepare(ctx, v)
	if err != nil {
		return err
	}
	dir := filepath.Join(w.dir, "modules", string(v.ID))
	if err := w.catalog.Unpack(ctx, v, dir); err != nil {
		return err
	}
	return w.runtime.Ensure(ctx, service.Job{Version: v, Dir: dir})
}

// Wake is the engine's, which is made after the gateway.
func (w *world) Wake(ctx context.Context, id service.ID) error { return w.engine.Wake(ctx, id) }

func open(t testing.TB, change ...func(*kbase.Parts, *kbase.Options)) *world {
	t.Helper()
	log := hclog.NewNullLogger()
	if testing.Verbose() {
		log = hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: t.Output()})
	}
	w := &world{t: t, users: &users{}, vault: &vault{kept: map[string]map[string]string{}}, dir: t.TempDir()}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	w.db, err = store.Open(t.Context(), filepath.Join(w.dir, "dynsvc.db"), log)
	must(err)
	w.runtime, err = local.Open(local.Options{Dir: w.dir}, log)
	must(err)
	w.gateway = gateway.New(log, w, gateway.Options{Callers: w.users, OpenCalls: true})
	w.engine = scheduler.New(w.db, w.runtime, w.gateway, log, scheduler.Options{Volatile: true})
	w.catalog, err = catalog.New(w.db, filepath.Join(w.dir, "bundles"), w, log, catalog.Options{Changed: func(m service.Module) {
		w.engine.Publish(m)
		w.gateway.Publish(m)
		w.facade.Published(m)
	}})
	must(err)
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(err)
	w.url = "http://" + l.Addr().String()
	w.parts = kbase.Parts{Store: w.db, Catalog: w.catalog, Gateway: w.gateway, Engine: w.engine, Cluster: w.runtime,
		Users: w.users, Vault: w.vault, Deploy: w.Deploy}
	opts := kbase.Options{URL: w.url, Version: "1.2.3", Inline: true, Environment: kbase.Environment{
		Endpoint: w.url + "/services", AuthURL: w.url + "/services/auth" + "/api/legacy/KBase/Sessions/Login", AllowInsecure: true}}
	for _, f := range change {
		f(&w.parts, &opts)
	}
	w.facade = kbase.New(w.parts, log, opts)
	must(w.engine.Open(t.Context()))
	w.run(l, log)
	return w
}

// run serves until the test ends.
func (w *world) run(l net.Listener, log hclog.Logger) {
	server := gateway.Server(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.EscapedPath(), kbase.Prefix) {
			w.facade.ServeHTTP(rw, r)
			return
		}
		w.gateway.ServeHTTP(rw, r)
	}), log)
	ctx, cancel := context.WithCancel(context.Background())
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return w.runtime.Run(ctx, w.gateway.Apply) })
	g.Go(func() error { return w.gateway.Run(ctx) })
	g.Go(func() error { return w.engine.Run(ctx) })
	g.Go(func() error { return w.facade.Run(ctx) })
	g.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	w.t.Cleanup(func() {
		_ = server.Close() // what is open is given up
		cancel()
		if err := errors.Join(g.Wait(), w.db.Close()); err != nil {
			w.t.Error(err)
		}
	})
}

// program is what modules here run: this test binary, told so by its environment.
func program(t testing.TB) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// module is a KBase module's folder.
func module(t testing.TB, name, version string, extra ...string) fstest.MapFS {
	t.Helper()
	return fstest.MapFS{
		"kbase.yml": {Data: []byte(fmt.Sprintf(`module-name: %s
module-description: Says <b>hello</b>.
service-language: python
module-version: %s
owners: [ada]
service-config:
  dynamic-service: true
  command: [%q, serve]
  start-deadline: 20s
%s`, name, version, program(t), strings.Join(extra, "")))},
		name + ".spec": {Data: []byte(fmt.Sprintf(`/* Greets. */
module %s {
  /* A greeting. */
  typedef structure { string text; } Greeting;

  /* Says hello. */
  funcdef hello(string name) returns (Greeting greeting) authentication optional;
  funcdef add(int a, int b) returns (int sum);
  funcdef fail(string why) returns ();
  funcdef whoami() returns (string name) authentication required;
};
`, name))},
		"ui/narrative/methods/greet/spec.json": {Data: []byte("{}")},
	}
}

const (
	commitA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	commitB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	commitC = "cccccccccccccccccccccccccccccccccccccccc"
)

func (w *world) register(files fstest.MapFS, commit string, tags ...string) service.Version {
	w.t.Helper()
	var v service.Version
	for _, tag := range append([]string{service.Dev}, tags...) {
		var err error
		if v, _, err = w.catalog.Register(w.t.Context(), catalog.Upload{Files: files, Commit: commit, Tag: tag, By: service.Operator("ada")}); err != nil {
			w.t.Fatal(err)
		}
	}
	return v
}

// answer is what came back of a call.
type answer struct {
	status int
	header http.Header
	body   []byte

	Version string
	V2      string `json:"jsonrpc"`
	ID      json.RawMessage
	Result  json.RawMessage
	Error   *struct {
		Name    string
		Code    int
		Message string
		Error   *string
	}
}

func (w *world) send(method, path, body string, header ...string) answer {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, header: res.Header}
	if a.body, err = io.ReadAll(res.Body); err != nil {
		w.t.Fatal(err)
	}
	_ = json.Unmarshal(a.body, &a) // not all is JSON
	return a
}

// call calls a method of a facade with a token.
func (w *world) call(token, method string, params ...any) answer {
	w.t.Helper()
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"version": "1.1", "method": method, "params": params, "id": "17"})
	if err != nil {
		w.t.Fatal(err)
	}
	path := w.url + "/services/service_wizard"
	if strings.HasPrefix(method, "Catalog.") {
		path = w.url + "/services/catalog/"
	}
	var header []string
	if token != "" {
		header = []string{"AUTHORIZATION", token}
	}
	return w.send(http.MethodPost, path, string(body), header...)
}

// want decodes the one value of a result.
func want[T any](t *testing.T, a answer) T {
	t.Helper()
	var values []T
	if a.status != http.StatusOK || json.Unmarshal(a.Result, &values) != nil || len(values) != 1 {
		t.Fatalf("answered %d %s", a.status, a.body)
	}
	if bytes.Contains(a.body, []byte(`"error":`)) && a.Error != nil {
		t.Errorf("a result with an error: %s", a.body)
	}
	return values[0]
}

// refused checks an error as KBase's clients need it.
func refused(t *testing.T, a answer, code int, message string) {
	t.Helper()
	if a.status != http.StatusInternalServerError || a.Error == nil || a.Error.Code != code || !strings.Contains(a.Error.Message, message) {
		t.Errorf("answered %d %s, want error %d %q", a.status, a.body, code, message)
		return
	}
	if got := a.header.Values("Content-Type"); len(got) != 1 || got[0] != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	if a.Result != nil || a.Version != "1.1" {
		t.Errorf("an error with result or without version: %s", a.body)
	}
	var whole struct{ Error map[string]any }
	if err := json.Unmarshal(a.body, &whole); err != nil {
		t.Fatal(err)
	}
	for key, value := range whole.Error {
		switch value.(type) {
		case string, float64:
		default:
			t.Errorf("error.%s is no scalar: %s", key, a.body)
		}
		if !strings.Contains(" name code message error ", " "+key+" ") {
			t.Errorf("error has the key %s", key)
		}
	}
}

type serviceStatus struct {
	Module  string `json:"module_name"`
	Version string
	Commit  string `json:"git_commit_hash"`
	Hash    string
	Tags    []string `json:"release_tags"`
	URL     string
	Up      int
	Status  string
	Health  string
	Failure string
}

type ref map[string]any

func named(module string, version any) ref { return ref{"module_name": module, "version": version} }
