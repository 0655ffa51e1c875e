package kbase_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/dynsvc/dynsvc/server/kbase"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// TestErrorTexts has every text of KBase's wizard for a situation that can come
// about here.
func TestErrorTexts(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.register(module(t, "Hello", "0.0.1"), commitA)
	w.register(jobs(t), commitB)
	w.register(module(t, "Broken", "0.0.1"), commitC)
	w.call("ROOT", "Catalog.set_secure_config_params", ref{"data": []ref{{"module_name": "Broken", "param_name": "broken", "param_value": "1"}}})
	logOf := func(module string, version any) ref { return ref{"service": named(module, version)} }
	const denied = "Only catalog admins can view service logs.  Module owners can view logs for dev versions of modules only if they are not in beta or released"
	for _, tt := range []struct {
		name, token, method string
		params              any
		message             string
	}{
		{"module not known", "", "get_service_status", named("Nobody", nil), "Module cannot be found based on module_name or git_url parameters."},
		{"version does not resolve", "", "get_service_status", named("Hello", "release"), "No module version found that matches your criteria!"},
		{"not a dynamic service", "", "start", named("Jobs", nil), "Specified module is not marked as a dynamic service. (Jobs-" + commitB + ")"},
		{"start failed", "", "start", named("Broken", nil), "Unable to start service: Error was: \nBroken 0.0.1 could not be started"},
		{"log, not permitted", "GRACE", "get_service_log", logOf("Hello", nil), denied},
		{"log, no such service", "ADA", "get_service_log", logOf("Nobody", nil), "Unable to fetch service information.  That service version may not be available."},
		{"log, nothing running", "ADA", "get_service_log", logOf("Hello", nil), "The service version specified has no available container instances."},
		{"socket, not permitted", "GRACE", "get_service_log_web_socket", logOf("Hello", nil), "Only module owners and catalog admins can view service logs."},
		{"stop, not permitted", "GRACE", "stop", named("Hello", nil), "Only admins or module owners can stop dynamic services"},
		{"no token", "", "get_service_log", logOf("Hello", nil), "Authentication required for ServiceWizard but no authentication header was passed"},
		{"no parameters", "", "start", nil, "No params passed to method ServiceWizard.start"},
		{"parameter is no object", "", "start", "Hello", "Invalid params for ServiceWizard.start"},
		{"bad token", "WRONG", "stop", named("Hello", nil), "Token validation failed: Error connecting to auth service: 401 Unauthorized\n10020 Invalid token"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var params []any
			code := -32000
			if tt.params != nil {
				params = append(params, tt.params)
			}
			if _, object := tt.params.(ref); !object {
				code = -32602
			}
			refused(t, w.call(tt.token, "ServiceWizard."+tt.method, params...), code, tt.message)
		})
	}
	// A token that does not matter is not even looked at.
	want[serviceStatus](t, w.call("WRONG", "ServiceWizard.get_service_status_without_restart", named("Hello", nil)))
	w.users.mu.Lock()
	w.users.down = true
	w.users.mu.Unlock()
	refused(t, w.call("ADA", "ServiceWizard.stop", named("Hello", nil)), -32000, "The token could not be checked: the auth service does not answer")
	want[serviceStatus](t, w.call("ADA", "ServiceWizard.get_service_status", named("Hello", nil)))
}

func TestLogsAreForAdminsAndForOwnersOfWhatIsInDev(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.register(module(t, "Hello", "0.0.1"), commitA, service.Beta)
	w.register(module(t, "Hello", "0.0.2"), commitB)
	type log struct {
		Instance string `json:"instance_id"`
		Log      []string
		URL      string `json:"socket_url"`
	}
	for _, version := range []string{commitA, commitB} {
		at := want[serviceStatus](t, w.call("", "ServiceWizard.start", named("Hello", version)))
		want[int](t, w.send(http.MethodPost, at.URL, `{"version":"1.1","method":"Hello.add","params":[1,2],"id":"1"}`))
	}
	ask := func(token, method, version string) answer {
		return w.call(token, "ServiceWizard."+method, ref{"service": named("hello", version)})
	}
	refused(t, ask("ADA", "get_service_log", commitA), -32000, "Only catalog admins can view service logs.")
	for token, version := range map[string]string{"ROOT": commitA, "ADA": commitB} {
		logs := want[[]log](t, ask(token, "get_service_log", version))
		if len(logs) != 1 || logs[0].Instance == "" || !strings.HasPrefix(logs[0].Log[0], "listening on") || logs[0].Log[1] != "called Hello.add\n" {
			t.Errorf("%s reads %+v", token, logs)
		}
	}
	tailed := want[[]log](t, w.call("ADA", "ServiceWizard.get_service_log", ref{"service": named("hello", commitB), "tail": 1}))
	if len(tailed[0].Log) != 1 {
		t.Errorf("tail 1 reads %q", tailed[0].Log)
	}

	socket := want[[]log](t, ask("ADA", "get_service_log_web_socket", commitB))[0]
	if !strings.HasPrefix(socket.URL, "ws://") || socket.Instance == "" {
		t.Fatalf("socket %+v", socket)
	}
	conn, res, err := websocket.DefaultDialer.DialContext(t.Context(), socket.URL, http.Header{"Origin": {"https://narrative.example.org"}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	defer conn.Close() //nolint:errcheck // only read from
	read := func() string {
		kind, text, err := conn.ReadMessage()
		if err != nil || kind != websocket.TextMessage {
			t.Fatalf("frame of kind %d: %v", kind, err)
		}
		return string(text)
	}
	if got := read(); !strings.HasPrefix(got, "listening on") || !strings.HasSuffix(got, "\n") {
		t.Errorf("first frame %q", got)
	}
	read()
	w.send(http.MethodPost, w.url+"/dynserv/Hello."+commitB, `{"version":"1.1","method":"Hello.hello","params":["you"],"id":"1"}`)
	if got := read(); got != "called Hello.hello\n" {
		t.Errorf("followed %q", got)
	}
	if _, res, err := websocket.DefaultDialer.DialContext(t.Context(), strings.Replace(socket.URL, "token=", "token=x", 1), nil); err == nil || res.StatusCode != http.StatusForbidden {
		t.Errorf("a forged token was let in: %v", err)
	} else {
		_ = res.Body.Close()
	}
}

func TestListsAreFiltered(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.register(module(t, "Hello", "0.0.1"), commitA)
	w.register(module(t, "Other", "0.0.1"), commitB)
	want[serviceStatus](t, w.call("", "ServiceWizard.start", named("Hello", nil)))
	// What runs without being registered is shown, too.
	stray := service.Version{ID: "dyn-stray-00000001", Module: "Stray", Run: service.Run{Command: program(t)}}
	if err := w.runtime.Ensure(context.Background(), service.Job{Version: stray, Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		filter ref
		want   string
	}{
		{ref{}, "!dyn-stray-00000001 Hello Other"}, {ref{"is_up": 1}, "Hello"}, {ref{"is_up": 0}, "!dyn-stray-00000001 Other"},
		{ref{"module_names": []string{"other"}}, "Other"}, {ref{"is_up": 1, "module_names": []string{"other"}}, ""},
	} {
		var names []string
		for _, s := range want[[]serviceStatus](t, w.call("", "ServiceWizard.list_service_status", tt.filter)) {
			names = append(names, s.Module)
			if s.Tags == nil || s.Hash == "" {
				t.Errorf("status %+v", s)
			}
		}
		if got := strings.Join(names, " "); got != tt.want {
			t.Errorf("%v lists %s, want %s", tt.filter, got, tt.want)
		}
	}
}

// An admin of dynsvc stops a service for good: lookups do not start it again, and
// only who owns it does.
func TestWhatAnAdminStoppedIsNotStartedByLookups(t *testing.T) {
	t.Parallel()
	w := open(t)
	v := w.register(module(t, "Hello", "0.0.1"), commitA)
	if err := w.engine.Stop(t.Context(), v.ID, "root"); err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"get_service_status", "start"} {
		refused(t, w.call("GRACE", "ServiceWizard."+method, named("Hello", nil)), -32000, "was stopped by an admin")
	}
	if got := want[serviceStatus](t, w.call("ADA", "ServiceWizard.start", named("Hello", nil))); got.Up != 1 {
		t.Errorf("status %+v", got)
	}
}

func TestPrivateModulesAreThereForWhoMayCallThem(t *testing.T) {
	t.Parallel()
	w := open(t)
	v := w.register(module(t, "Hello", "0.0.1"), commitA)
	v.Module, v.ID, v.Commit = "Hidden", service.NewID("Hidden", commitB, ""), commitB
	v.Access = service.Access{Visibility: service.Authenticated}
	if _, _, err := w.db.SaveVersion(t.Context(), store.Registration{Version: v, Tags: []string{service.Dev}}); err != nil {
		t.Fatal(err)
	}
	refused(t, w.call("", "ServiceWizard.get_service_status", named("Hidden", nil)), -32000, "Module cannot be found")
	refused(t, w.call("WRONG", "Catalog.get_module_version", named("Hidden", nil)), -32000, "Module cannot be found")
	if got := want[serviceStatus](t, w.call("GRACE", "ServiceWizard.get_service_status_without_restart", named("Hidden", nil))); got.Module != "Hidden" {
		t.Errorf("status %+v", got)
	}
	if got := want[[]serviceStatus](t, w.call("", "ServiceWizard.list_service_status", ref{})); len(got) != 1 {
		t.Errorf("listed to everybody: %+v", got)
	}
}

// A service that runs elsewhere is looked up as any, unless a module has its name.
func TestCoreServicesAreLookedUp(t *testing.T) {
	t.Parallel()
	workspace := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(workspace.Close)
	w := open(t, func(_ *kbase.Parts, o *kbase.Options) {
		o.Core = map[string]kbase.Core{"workspace": {Name: "Workspace", URL: workspace.URL}, "hello": {Name: "Hello", URL: workspace.URL}}
	})
	w.register(module(t, "Hello", "0.0.1"), commitA)
	for _, method := range []string{"start", "get_service_status", "get_service_status_without_restart"} {
		got := want[serviceStatus](t, w.call("", "ServiceWizard."+method, named("workSpace", "release")))
		if got.Module != "Workspace" || got.URL != workspace.URL || got.Up != 1 || got.Status != "active" || got.Health != "healthy" || got.Tags == nil {
			t.Errorf("%s answers %+v", method, got)
		}
	}
	refused(t, w.call("ROOT", "ServiceWizard.stop", named("Workspace", nil)), -32000, "is not dynsvc's to stop")
	if got := want[serviceStatus](t, w.call("", "ServiceWizard.start", named("Hello", nil))); got.URL != w.url+"/dynserv/Hello."+commitA {
		t.Errorf("the module is at %s", got.URL)
	}
	workspace.Close()
	if got := want[serviceStatus](t, w.call("", "ServiceWizard.start", named("Workspace", nil))); got.Up != 0 || got.Failure == "" || got.URL != workspace.URL {
		t.Errorf("closed: %+v", got)
	}
}
