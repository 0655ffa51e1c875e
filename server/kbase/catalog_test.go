package kbase_test

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/server/kbase"
	"github.com/dynsvc/dynsvc/service"
)

// document is what tests read of a version's.
type document struct {
	Module    string `json:"module_name"`
	GitURL    string `json:"git_url"`
	Version   string
	Commit    string   `json:"git_commit_hash"`
	Released  int      `json:"released"`
	Tags      []string `json:"release_tags"`
	At        *int64   `json:"release_timestamp"`
	ID        string   `json:"registration_id"`
	Dynamic   int      `json:"dynamic_service"`
	Narrative []string `json:"narrative_methods"`
	Same      []string `json:"narrative_app_ids"`
	About     string   `json:"module_description"`
	Report    *struct {
		Files []struct {
			Name    string `json:"file_name"`
			Content string
			Main    int `json:"is_main"`
		} `json:"spec_files"`
		Functions map[string]struct {
			Name, Comment string
			Input, Output []struct{ Type, Comment string }
		}
	} `json:"compilation_report"`
}

// jobs is a module whose every method is for jobs.
func jobs(t *testing.T) fstest.MapFS {
	files := module(t, "Jobs", "0.0.1")
	files["Jobs.spec"] = &fstest.MapFile{Data: []byte("module Jobs {\n  async funcdef run(string name) returns () authentication required;\n};\n")}
	return files
}

func TestTheCatalogDescribesModules(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.register(module(t, "Kb_Hello", "0.0.1"), commitA, service.Beta, service.Release)
	w.register(module(t, "Kb_Hello", "0.0.2"), commitB)
	w.register(jobs(t), commitC)

	d := want[document](t, w.call("", "Catalog.get_module_version", ref{"module_name": "kb_hello", "include_module_description": 1, "include_compilation_report": 1}))
	if d.Module != "Kb_Hello" || d.Version != "0.0.1" || d.Commit != commitA || d.Released != 1 || d.At == nil || d.Dynamic != 1 ||
		!cmp.Equal(d.Tags, []string{"release", "beta"}) || !cmp.Equal(d.Narrative, []string{"greet"}) || !cmp.Equal(d.Same, d.Narrative) || d.About != "Says <b>hello</b>." {
		t.Errorf("document %+v", d)
	}
	if len(d.Report.Files) != 1 || d.Report.Files[0].Main != 1 || !strings.Contains(d.Report.Files[0].Content, "module Kb_Hello") {
		t.Errorf("spec files %+v", d.Report.Files)
	}
	hello := d.Report.Functions["hello"]
	if hello.Comment != "Says hello." || hello.Input[0].Type != "string" || hello.Output[0].Type != "Kb_Hello.Greeting" || hello.Output[0].Comment != "A greeting." {
		t.Errorf("hello %+v", hello)
	}
	if by := want[document](t, w.call("", "Catalog.get_module_version", ref{"git_url": d.GitURL, "version": "dev"})); by.Commit != commitB || by.Released != 0 || by.At != nil || by.Report != nil {
		t.Errorf("by git URL: %+v", by)
	}

	info := want[struct {
		Language           string
		Owners             []string
		Release, Beta, Dev *document
	}](t, w.call("", "Catalog.get_module_info", ref{"module_name": "KB_HELLO"}))
	if info.Language != "python" || !cmp.Equal(info.Owners, []string{"ada"}) || info.Release.Commit != commitA || info.Dev.Commit != commitB {
		t.Errorf("info %+v", info)
	}
	refused(t, w.call("", "Catalog.get_module_info", ref{"module_name": "Nobody"}), -32000, "Operation failed - module/repo is not registered.")
	refused(t, w.call("", "Catalog.get_module_version", ref{}), -32000, "Missing required fields git_url or module_name")

	type basic struct {
		Module  string                 `json:"module_name"`
		Dynamic int                    `json:"dynamic_service"`
		Release map[string]string      `json:"release"`
		List    []map[string]string    `json:"release_version_list"`
		Same    []map[string]string    `json:"released_version_list"`
		Dev     *struct{ Hash string } `json:"dev"`
	}
	names := func(params ref) (all []string) {
		for _, b := range want[[]basic](t, w.call("", "Catalog.list_basic_module_info", params)) {
			all = append(all, b.Module)
			if len(b.List) != len(b.Same) || b.Module == "Jobs" && b.Dynamic != 0 {
				t.Errorf("basic %+v", b)
			}
		}
		return all
	}
	for _, tt := range []struct {
		in   ref
		want []string
	}{
		{ref{}, []string{"Kb_Hello"}}, {ref{"include_unreleased": 1}, []string{"Jobs", "Kb_Hello"}},
		{ref{"include_unreleased": 1, "include_released": 0}, []string{"Jobs"}}, {ref{"owners": []string{"grace"}, "include_unreleased": 1}, nil},
	} {
		if got := names(tt.in); !cmp.Equal(got, tt.want) {
			t.Errorf("%v lists %v, want %v", tt.in, got, tt.want)
		}
	}

	services := func(params ref) (all []string) {
		for _, s := range want[[]map[string]string](t, w.call("", "Catalog.list_service_modules", params)) {
			all = append(all, s["module_name"]+" "+s["version"])
		}
		return all
	}
	for tag, want := range map[string][]string{"dev": {"Kb_Hello 0.0.2"}, "beta": {"Kb_Hello 0.0.1"}, "release": {"Kb_Hello 0.0.1"}, "": {"Kb_Hello 0.0.1"}} {
		if got := services(ref{"tag": tag}); !cmp.Equal(got, want) {
			t.Errorf("services of %q: %v", tag, got)
		}
	}
	refused(t, w.call("", "Catalog.list_service_modules", ref{"tag": "gamma"}), -32000, `tag parameter must be either "dev", "beta", or "release".`)

	for lookup, want := range map[string]string{"": "0.0.1", "dev": "0.0.2", "^0.0.1": "0.0.1", commitB: "0.0.2"} {
		a := w.call("", "Catalog.module_version_lookup", ref{"module_name": "Kb_Hello", "lookup": lookup})
		if !strings.Contains(string(a.Result), `"version":"`+want+`"`) {
			t.Errorf("lookup %q: %s", lookup, a.body)
		}
	}
	refused(t, w.call("", "Catalog.module_version_lookup", ref{"module_name": "Jobs", "lookup": "dev"}), -32000, `The "dev" version is not marked as a Service Module.`)
	refused(t, w.call("", "Catalog.module_version_lookup", ref{"module_name": "Kb_Hello", "lookup": "9"}), -32000, "No suitable version matches your lookup.")
	refused(t, w.call("", "Catalog.module_version_lookup", ref{"module_name": "Nobody"}), -32000, "Operation failed - module/repo is not registered.")
	refused(t, w.call("", "Catalog.get_version_info", ref{"module_name": "Kb_Hello", "version": "9.9.9"}), -32000, "No version found that matches all your criteria!")
	if v := want[document](t, w.call("", "Catalog.get_version_info", ref{"module_name": "Kb_Hello", "git_commit_hash": commitB})); v.Version != "0.0.2" {
		t.Errorf("version info %+v", v)
	}
	if all := want[[]document](t, w.call("", "Catalog.list_released_module_versions", ref{"module_name": "Kb_Hello"})); len(all) != 1 {
		t.Errorf("%d released versions", len(all))
	}
	for name, is := range map[string]int{"KB_hello": 1, "Nobody": 0} {
		if got := want[int](t, w.call("", "Catalog.is_registered", ref{"module_name": name})); got != is {
			t.Errorf("%s is registered: %d", name, got)
		}
	}
	log := want[string](t, w.call("", "Catalog.get_build_log", d.ID))
	if !strings.Contains(log, "Kb_Hello 0.0.1") {
		t.Errorf("log of %s: %q", d.ID, log)
	}
	if got := want[[]map[string]any](t, w.call("", "Catalog.list_builds", ref{"modules": []ref{{"module_name": "kb_hello"}}, "limit": 1})); len(got) != 1 || got[0]["registration"] != "complete" {
		t.Errorf("builds %v", got)
	}
}

func TestAReleaseIsRequestedByOwnersAndReviewedByAdmins(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.register(module(t, "Hello", "0.0.1"), commitA)
	hello := ref{"module_name": "hello"}
	done := func(a answer) {
		t.Helper()
		if a.status != 200 || string(a.Result) != "null" {
			t.Fatalf("answered %d %s", a.status, a.body)
		}
	}
	approval := func() string {
		return want[struct {
			Approval string `json:"release_approval"`
			Message  string `json:"review_message"`
		}](t, w.call("", "Catalog.get_module_state", hello)).Approval
	}
	if got := approval(); got != "not_requested" {
		t.Errorf("approval %s", got)
	}
	refused(t, w.call("", "Catalog.push_dev_to_beta", hello), -32000, "Authentication required for Catalog but no authentication header was passed")
	refused(t, w.call("GRACE", "Catalog.push_dev_to_beta", hello), -32000, "You do not have permission")
	refused(t, w.call("ADA", "Catalog.request_release", hello), -32000, "there is no beta version")
	done(w.call("ADA", "Catalog.push_dev_to_beta", hello))
	done(w.call("ADA", "Catalog.request_release", hello))
	refused(t, w.call("ADA", "Catalog.request_release", hello), -32000, "already pending review")
	refused(t, w.call("ADA", "Catalog.push_dev_to_beta", hello), -32000, "still pending")
	if got := approval(); got != "under_review" {
		t.Errorf("approval %s", got)
	}
	open := want[[]map[string]any](t, w.call("", "Catalog.list_requested_releases"))
	if len(open) != 1 || open[0]["git_commit_hash"] != commitA {
		t.Errorf("requests %v", open)
	}
	review := func(decision, message string) ref {
		return ref{"module_name": "Hello", "decision": decision, "review_message": message}
	}
	refused(t, w.call("ADA", "Catalog.review_release_request", review("approved", "")), -32000, "You do not have permission to perform this action.")
	refused(t, w.call("ROOT", "Catalog.review_release_request", review("maybe", "")), -32000, "decision must be")
	done(w.call("ROOT", "Catalog.review_release_request", review("denied", "no docs")))
	if got := approval(); got != "denied" {
		t.Errorf("approval %s", got)
	}
	refused(t, w.call("", "ServiceWizard.get_service_status_without_restart", named("Hello", "0.0.1")), -32000, "No module version found")
	done(w.call("ADA", "Catalog.request_release", hello))
	done(w.call("ROOT", "Catalog.review_release_request", review("approved", "")))
	refused(t, w.call("ROOT", "Catalog.review_release_request", review("approved", "")), -32000, "not under review")
	refused(t, w.call("ADA", "Catalog.request_release", hello), -32000, "identical to released version")
	if got := want[serviceStatus](t, w.call("", "ServiceWizard.get_service_status_without_restart", named("Hello", "^0.0.1"))); !cmp.Equal(got.Tags, []string{"release", "beta", "dev"}) {
		t.Errorf("released: %+v", got)
	}
	// The same number with other contents is not released twice: its pushing is refused.
	w.register(module(t, "Other", "0.0.1"), commitB)
	done(w.call("ROOT", "Catalog.delete_module", ref{"module_name": "Other"}))
	refused(t, w.call("", "Catalog.get_module_version", ref{"module_name": "Other"}), -32000, "Module cannot be found")
	w.register(module(t, "Other", "0.0.1"), commitB) // what is registered again is there again
	if d := want[document](t, w.call("", "Catalog.get_module_version", ref{"module_name": "Other"})); d.Module != "Other" {
		t.Errorf("registered again: %+v", d)
	}
	done(w.call("ROOT", "Catalog.delete_module", ref{"module_name": "Other"}))
	refused(t, w.call("ROOT", "Catalog.delete_module", hello), -32000, "Cannot delete module that has been released")
	done(w.call("ROOT", "Catalog.set_to_inactive", hello))
	if got := want[[]any](t, w.call("", "Catalog.list_basic_module_info", ref{})); len(got) != 0 {
		t.Errorf("an inactive module is listed: %v", got)
	}
	done(w.call("ROOT", "Catalog.set_to_active", hello))
	done(w.call("ROOT", "Catalog.migrate_module_to_new_git_url", ref{"module_name": "Hello", "new_git_url": "https://git.example.org/hello"}))
	if d := want[document](t, w.call("", "Catalog.get_module_version", ref{"git_url": "https://git.example.org/hello"})); d.Module != "Hello" {
		t.Errorf("by its new URL: %+v", d)
	}
}

func TestAdminsSetWhatAModuleIsGiven(t *testing.T) {
	t.Parallel()
	w := open(t, func(_ *kbase.Parts, o *kbase.Options) {
		o.Volumes = map[string]kbase.Volume{"/mnt/static": {Source: "static", ReadOnly: true}}
		o.Groups = map[string][]string{"bigmem": {"large", "huge"}}
	})
	a := w.register(module(t, "Hello", "0.0.1"), commitA, service.Beta, service.Release)
	w.register(module(t, "Hello", "0.0.2"), commitB)
	parameter := func(version, name, value string) ref {
		return ref{"module_name": "hello", "version": version, "param_name": name, "is_password": 1, "param_value": value}
	}
	refused(t, w.call("ADA", "Catalog.set_secure_config_params", ref{"data": []ref{parameter("", "x", "y")}}), -32000, "You do not have permission")
	w.call("ROOT", "Catalog.set_secure_config_params", ref{"data": []ref{
		parameter("", "Password", "100%\nsure"), parameter("release", "Password", "released"), parameter(commitB, "only", "b"), parameter("", "gone", "1")}})
	w.call("ROOT", "Catalog.remove_secure_config_params", ref{"data": []ref{parameter("", "gone", "")}})
	values := func(version string) map[string]string {
		all := map[string]string{}
		for _, p := range want[[]map[string]any](t, w.call("ROOT", "Catalog.get_secure_config_params", ref{"module_name": "Hello", "version": version})) {
			all[p["param_name"].(string)] = p["param_value"].(string)
		}
		return all
	}
	if got := values("0.0.1"); !cmp.Equal(got, map[string]string{"Password": "released"}) {
		t.Errorf("0.0.1 has %v", got)
	}
	if got := values("dev"); !cmp.Equal(got, map[string]string{"Password": "100%\nsure", "only": "b"}) {
		t.Errorf("dev has %v", got)
	}
	if got := want[[]any](t, w.call("ROOT", "Catalog.get_secure_config_params", ref{"module_name": "Hello", "load_all_versions": 1})); len(got) != 3 {
		t.Errorf("all versions have %v", got)
	}
	refused(t, w.call("ADA", "Catalog.get_secure_config_params", ref{"module_name": "Hello"}), -32000, "permission")

	at := want[serviceStatus](t, w.call("", "ServiceWizard.get_service_status", named("Hello", "dev")))
	env := want[map[string]string](t, w.send("POST", at.URL, `{"version":"1.1","method":"Hello.env","params":[],"id":"1"}`))
	for name, value := range map[string]string{
		"KBASE_ENDPOINT": w.url + "/services", "AUTH_SERVICE_URL_ALLOW_INSECURE": "true", "KBASE_SECURE_CONFIG_PARAM_Password": "100%\nsure",
		"AUTH_SERVICE_URL": w.url + "/services/auth/api/legacy/KBase/Sessions/Login",
	} {
		if env[name] != value {
			t.Errorf("%s is %q", name, env[name])
		}
	}
	// Parameters that are bound to a tag move with it.
	if _, err := w.catalog.SetTag(t.Context(), "Hello", service.Release, "0.0.2", service.Operator("ada")); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for got := map[string]string(nil); got["Password"] != "100%\nsure"; <-time.After(10 * time.Millisecond) {
		if got, _ = w.vault.Secrets(t.Context(), kbase.ServicePath(a.ID)); time.Now().After(deadline) {
			t.Fatalf("0.0.1 was dealt %v after its tag had moved", got)
		}
	}

	mount := func(host string, readOnly int) ref {
		return ref{"module_name": "Hello", "function_name": "service", "client_group": "service",
			"volume_mounts": []ref{{"host_dir": host, "container_dir": "/data", "read_only": readOnly}}}
	}
	refused(t, w.call("ROOT", "Catalog.set_volume_mount", mount("/etc", 1)), -32000, `The folder "/etc" cannot be mounted: the operator offers /mnt/static`)
	refused(t, w.call("ROOT", "Catalog.set_volume_mount", mount("/mnt/static", 0)), -32000, "read-only")
	if got := w.call("ROOT", "Catalog.set_volume_mount", mount("/mnt/static/", 1)); got.Error != nil {
		t.Errorf("set_volume_mount: %s", got.body)
	}
	if got := want[[]any](t, w.call("ROOT", "Catalog.list_volume_mounts", ref{"module_name": "HELLO"})); len(got) != 1 {
		t.Errorf("mounts %v", got)
	}
	if got := w.call("ROOT", "Catalog.set_client_group_config", ref{"module_name": "Hello", "function_name": "service", "client_groups": []string{"bigmem", "request_cpus=4", "other"}}); got.Error != nil {
		t.Errorf("set_client_group_config: %s", got.body)
	}
	prepared, err := w.facade.Prepare(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]service.Volume{{Source: "static", Target: "/data", ReadOnly: true}}, prepared.Given.Volumes); diff != "" {
		t.Errorf("volumes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"huge", "large", "other"}, prepared.Given.Classes); diff != "" {
		t.Errorf("classes (-want +got):\n%s", diff)
	}
	w.call("ROOT", "Catalog.remove_volume_mount", mount("/mnt/static", 1))
	w.call("ROOT", "Catalog.remove_client_group_config", ref{"module_name": "Hello", "function_name": "service"})
	if prepared, err = w.facade.Prepare(t.Context(), a); err != nil || prepared.Given.Volumes != nil || prepared.Given.Classes != nil {
		t.Errorf("after removal: %+v, %v", prepared.Given, err)
	}
}

func TestPeopleAndUsage(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.call("ROOT", "Catalog.approve_developer", "ada")
	w.call("ROOT", "Catalog.approve_developer", "grace")
	w.call("ROOT", "Catalog.revoke_developer", "grace")
	if got := want[[]int](t, w.call("", "Catalog.is_approved_developer", []string{"ada", "grace", "x"})); !cmp.Equal(got, []int{1, 0, 0}) {
		t.Errorf("approved %v", got)
	}
	for token, is := range map[string]int{"ROOT": 1, "ADA": 0, "": 0, "WRONG": 0} {
		if got := want[int](t, w.call(token, "Catalog.is_admin", "root")); got != is {
			t.Errorf("%s is admin: %d", token, got)
		}
	}
	refused(t, w.call("GRACE", "Catalog.register_repo", ref{"git_url": "https://git.example.org/x"}), -32000, "You are not an approved developer.")
	refused(t, w.call("ADA", "Catalog.register_repo", ref{"git_url": "https://git.example.org/x"}), -32000, "upload the module's folder")

	like := ref{"module_name": "Hello", "id": "greet"}
	w.call("ADA", "Catalog.add_favorite", like)
	w.call("GRACE", "Catalog.add_favorite", like)
	w.call("GRACE", "Catalog.add_favorite", ref{"module_name": "Hello", "id": "other"})
	w.call("GRACE", "Catalog.remove_favorite", ref{"module_name": "Hello", "id": "other"})
	if got := want[[]map[string]any](t, w.call("", "Catalog.list_favorite_counts", ref{})); len(got) != 1 || got[0]["count"] != 2.0 || got[0]["module_name_lc"] != "hello" {
		t.Errorf("counts %v", got)
	}
	if got := want[[]map[string]any](t, w.call("", "Catalog.list_favorites", "ada")); len(got) != 1 || got[0]["id"] != "greet" {
		t.Errorf("ada's %v", got)
	}
	if got := want[[]map[string]any](t, w.call("", "Catalog.list_app_favorites", like)); len(got) != 2 {
		t.Errorf("greet's %v", got)
	}

	for i, failed := range []int{0, 1} {
		w.call("ROOT", "Catalog.log_exec_stats", ref{"user_id": "ada", "app_module_name": "Hello", "app_id": "greet", "func_module_name": "Hello", "func_name": "hello",
			"creation_time": 1451606400.0, "exec_start_time": 1451606402.0, "finish_time": 1451606405.5 + float64(i), "is_error": failed, "job_id": "j"})
	}
	refused(t, w.call("ADA", "Catalog.log_exec_stats", ref{}), -32000, "permission")
	got := want[[]map[string]any](t, w.call("", "Catalog.get_exec_aggr_stats", ref{"full_app_ids": []string{"Hello/greet"}, "per_week": 1}))
	if diff := cmp.Diff([]map[string]any{{"full_app_id": "Hello/greet", "module_name": "Hello", "type": "w", "time_range": "2015-W53",
		"number_of_calls": 2.0, "number_of_errors": 1.0, "total_queue_time": 4.0, "total_exec_time": 8.0}}, got); diff != "" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}
	if got := want[[]map[string]any](t, w.call("ROOT", "Catalog.get_exec_aggr_table", ref{"begin": 1451606400})); len(got) != 1 || got[0]["n"] != 2.0 {
		t.Errorf("table %v", got)
	}
	if got := want[[]map[string]any](t, w.call("ROOT", "Catalog.get_exec_raw_stats", ref{"end": 1451606400})); len(got) != 0 {
		t.Errorf("raw, before: %v", got)
	}
}

// builds registers nothing and says that it is at it.
type builds struct{ state string }

func (b *builds) Register(context.Context, kbase.Repository) (string, error) { return "17_x", nil }
func (b *builds) Build(_ context.Context, id string) (kbase.Build, error) {
	return kbase.Build{ID: id, State: b.state}, nil
}
func (b *builds) Builds(_ context.Context, url string) ([]kbase.Build, error) {
	return []kbase.Build{{ID: "17_x", URL: url, Module: "New", State: b.state}}, nil
}
func (b *builds) Log(context.Context, string) ([]kbase.BuildLine, error) {
	return []kbase.BuildLine{{Content: "one\n"}, {Content: "two\n", Error: true}}, nil
}
func (b *builds) SetState(_ context.Context, _, state, _ string) error { b.state = state; return nil }

func TestRepositoriesAreRegisteredWhereSomebodyBuilds(t *testing.T) {
	t.Parallel()
	b := &builds{state: "building: cloning git repo"}
	w := open(t, func(p *kbase.Parts, _ *kbase.Options) { p.Builds = b })
	w.call("ROOT", "Catalog.approve_developer", "ada")
	repo := ref{"git_url": "https://git.example.org/new"}
	refused(t, w.call("ADA", "Catalog.register_repo", repo), -32000, "Registration already in progress for this git repo (https://git.example.org/new)")
	w.call("ROOT", "Catalog.set_registration_state", ref{"git_url": "https://git.example.org/new", "registration_state": "error"})
	if id := want[string](t, w.call("ADA", "Catalog.register_repo", repo)); id != "17_x" {
		t.Errorf("registration %s", id)
	}
	refused(t, w.call("", "ServiceWizard.get_service_status", named("New", nil)), -32000, "Module was never properly registered, and has no available versions.")
	log := want[struct {
		Registration string
		Log          []struct {
			Content string
			Error   int
		}
	}](t, w.call("", "Catalog.get_parsed_build_log", ref{"registration_id": "17_x", "last_n": 1}))
	if log.Registration != "error" || len(log.Log) != 1 || log.Log[0].Error != 1 {
		t.Errorf("log %+v", log)
	}
}
