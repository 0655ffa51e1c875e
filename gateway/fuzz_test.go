package gateway

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

func FuzzRoute(f *testing.F) {
	for _, seed := range []string{
		"/svc/M", "/svc/M/", "/svc/M@dev/a/b", "/svc/M@%5E1.0/", "/svc/M/../N", "/svc/M%2Fx", "/svc//M", "/svc/%2e%2e/x", "/api", "/svc/M@a@b//", "/dynserv/M_n.0123456/a%2Fb", "/dynserv/0123456789abcdef0123456789abcdef01234567.m-n//", "/dynserv/a.b.c",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		escaped := u.EscapedPath()
		r, ok := parseRoute(escaped)
		if !ok {
			return
		}
		if r.module == "" || strings.ContainsAny(r.module, "/.%@") {
			t.Errorf("%q: module %q", target, r.module)
		}
		if !strings.HasPrefix(r.rest, "/") {
			t.Errorf("%q: rest %q", target, r.rest)
		}
		if got := r.prefix + r.rest; got != escaped && got != escaped+"/" {
			t.Errorf("%q: %q and %q do not make it up", target, r.prefix, r.rest)
		}
		if strings.Count(r.prefix, "/") != 2 {
			t.Errorf("%q: prefix %q", target, r.prefix)
		}
		path, err := url.PathUnescape(r.rest)
		if err != nil {
			t.Fatalf("%q: %v", target, err)
		}
		if again := (&url.URL{Path: path, RawPath: r.rest}).EscapedPath(); again != r.rest {
			t.Errorf("%q: the service would get %q, not %q", target, again, r.rest)
		}
	})
}

// Where encoding/json reads a body, scan must read the same; and what the bytes
// say may not depend on how many of them have come.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		`{"version":"1.1","method":"M.f","params":[{"a":"}\"\\"}],"id":"7"}`, `{"jsonrpc":"2.0","method":"f","id":null}`,
		`{"id":1.5e3,"method":"M.f"} x`, `[{"method":"a"}]`, `{"method":"a","method":"b"}`, `{}`, ` { } `, `{"method":"\u0061"}`, `{"a":[[{}]],"method":"x","id":[1]}`,
	} {
		f.Add([]byte(seed), 10)
	}
	f.Fuzz(func(t *testing.T, body []byte, cut int) {
		env, v := scan(body)
		if v == raw && env.method != "" {
			t.Error("raw with a method")
		}
		if env.id != nil && !json.Valid(env.id) {
			t.Errorf("id %q", env.id)
		}
		if cut >= 0 && cut < len(body) {
			part, pv := scan(body[:cut])
			if pv == whole && (v != whole || part.method != env.method) {
				t.Errorf("the first %d bytes say %q, all say %q", cut, part.method, env.method)
			}
			if pv == raw && v != raw {
				t.Errorf("the first %d bytes are raw, all are not", cut)
			}
		}
		members := map[string]json.RawMessage{}
		if v != whole || json.Unmarshal(body, &members) != nil {
			return
		}
		var method string
		if err := json.Unmarshal(members["method"], &method); err != nil {
			t.Fatalf("method %s: %v", members["method"], err)
		}
		if method != env.method {
			t.Errorf("method %q, encoding/json says %q", env.method, method)
		}
		if id := members["id"]; len(id) > 0 && id[0] != '{' && id[0] != '[' && len(id) <= idLimit && string(id) != string(env.id) {
			t.Errorf("id %q, encoding/json says %q", env.id, id)
		}
	})
}
