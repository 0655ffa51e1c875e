package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/service"
)

// What a service's page offers is done as through the API: to those who may change
// the module, with its reasons where it is refused, and by nobody from elsewhere.
func TestAServicePageActs(t *testing.T) {
	w := open(t)
	v := w.register(t, "dev")
	path := "/console/services/" + string(v.ID)
	count := func(n int) func() bool { return func() bool { return w.cluster.counts[v.ID] == n } }
	tagged := func() bool {
		m, err := w.db.Module(t.Context(), v.Module)
		return err == nil && m.Tags[service.Release] == v.ID
	}
	elsewhere := []string{"Origin", "https://evil.example.com", "Sec-Fetch-Site", "cross-site"}
	for _, tt := range []struct {
		name, as, verb string
		form           url.Values
		header         []string
		status         int
		has            string
		then           func() bool
	}{
		{"start", token, "start", nil, nil, 303, "", count(1)},
		{"scale", token, "scale", url.Values{"count": {"3"}}, nil, 303, "", count(3)},
		{"scale above max", token, "scale", url.Values{"count": {"99"}}, nil, 422, "1 to 10 instances", count(3)},
		{"scale to a word", token, "scale", url.Values{"count": {"many"}}, nil, 422, "not &#34;many&#34;", count(3)},
		{"scale to nothing", token, "scale", nil, nil, 422, "0 instances or more", count(3)},
		{"scale by an address", token, "scale?count=0", nil, nil, 422, "0 instances or more", count(3)},
		{"move a tag", token, "tag", url.Values{"tag": {"release"}}, nil, 303, "", tagged},
		{"move no tag", token, "tag", url.Values{"tag": {"no tag"}}, nil, 422, "no tag", tagged},
		{"from elsewhere", token, "stop", nil, elsewhere, 403, "of elsewhere", count(3)},
		{"without a token", "", "stop", nil, nil, 401, `name="token"`, count(3)},
		{"a user", "ursula", "stop", nil, nil, 403, "a token of a developer", count(3)},
		{"a developer of others", "dora", "stop", nil, nil, 403, "belongs to the admins", count(3)},
		{"stop", token, "stop", nil, nil, 303, "", count(0)},
		{"destroy", token, "destroy", nil, nil, 404, "", count(0)},
	} {
		status, text, head := w.fillIn(t, tt.as, http.MethodPost, path+"/"+tt.verb, tt.form, tt.header...)
		if status != tt.status || !strings.Contains(text, tt.has) || status == 303 && head.Get("Location") != path {
			t.Errorf("%s: %d, sent to %q, %s", tt.name, status, head.Get("Location"), text)
		}
		if status == 422 && (!strings.Contains(text, `id="fault"`) || !strings.Contains(text, "Decisions")) {
			t.Errorf("%s: is not told on the page: %s", tt.name, text)
		}
		if !tt.then() {
			t.Errorf("%s: afterwards there are %d instances", tt.name, w.cluster.counts[v.ID])
		}
	}
	if status, _, _ := w.browse(t, token, http.MethodGet, path+"/start"); status != http.StatusMethodNotAllowed {
		t.Errorf("a link starts it: %d", status)
	}
	if _, text, _ := w.browse(t, token, http.MethodGet, path); !strings.Contains(text, "<option>beta</option>") || strings.Contains(text, "<option>release</option>") || !strings.Contains(text, "stopped by admin") {
		t.Errorf("the page afterwards: %s", text)
	}
}

// A developer has the pages of the modules that are theirs, and sees the others.
func TestADeveloperHasPages(t *testing.T) {
	w := open(t)
	others := w.register(t, "dev")
	own, _, err := w.catalog.Register(t.Context(), catalog.Upload{Files: fstest.MapFS{"module.hcl": {Data: []byte(`module "Mine" {
  version = "1.0.0"
  owners  = ["dora"]
  run {
    command = "bin/mine"
  }
}`)}}, Tag: "dev", By: service.Operator("ada")})
	if err != nil {
		t.Fatal(err)
	}
	next, _, err := w.catalog.Register(t.Context(), catalog.Upload{Files: fstest.MapFS{"module.hcl": {Data: []byte(`module "Mine" {
  version = "1.1.0"
  owners  = ["dora"]
  run {
    command = "bin/mine"
  }
}`)}}, Tag: "dev", By: service.Operator("ada")})
	if err != nil {
		t.Fatal(err)
	}
	page := func(v service.Version) string { return "/console/services/" + string(v.ID) }
	for _, tt := range []struct {
		as, path string
		status   int
		has, not []string
	}{
		{"dora", "/console", 200, []string{">Hello<", `<a href="` + page(own) + `"`}, []string{page(others), "/console/nodes"}},
		{"dora", page(own), 200, []string{`action="` + page(own) + `/stop"`, `<a href="` + page(next) + `">1.1.0</a> <span class="tag">dev</span>`}, []string{"/console/nodes"}},
		{"dora", page(others), 403, []string{"belongs to the admins"}, []string{"Decisions"}},
		{"dora", "/console/nodes", 403, []string{"a token of an admin"}, []string{"n1"}},
		{token, "/console", 200, []string{page(others), page(own), "/console/nodes"}, nil},
		{token, "/console/nodes", 200, []string{"<td>n1</td>", "takes no instances"}, nil},
	} {
		status, text, _ := w.browse(t, tt.as, http.MethodGet, tt.path)
		if status != tt.status {
			t.Errorf("%s as %s: %d %s", tt.path, tt.as, status, text)
		}
		for _, word := range tt.has {
			if !strings.Contains(text, word) {
				t.Errorf("%s as %s lacks %q:\n%s", tt.path, tt.as, word, text)
			}
		}
		for _, word := range tt.not {
			if strings.Contains(text, word) {
				t.Errorf("%s as %s has %q", tt.path, tt.as, word)
			}
		}
	}
}
