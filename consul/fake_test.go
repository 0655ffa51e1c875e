package consul

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/hashicorp/go-hclog"
)

// fakeConsul answers like an agent, blocking queries included. Each answer's
// index is that of the last change of anything.
type fakeConsul struct {
	mu      sync.Mutex
	news    chan struct{} // closed at each change
	index   uint64
	fail    int // answer with this status instead
	checks  api.HealthChecks
	leaf    *api.LeafCert
	roots   *api.CARootList
	open    bool // what a source and destination nobody heard of may do
	entries map[string]*api.ServiceIntentionsConfigEntry
	writes  int
	before  func() // called before each compare-and-set, to come in between
}

func newFake(t *testing.T) (*fakeConsul, *Client) {
	t.Helper()
	f := &fakeConsul{news: make(chan struct{}), index: 10, entries: map[string]*api.ServiceIntentionsConfigEntry{}}
	server := httptest.NewServer(f)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	c, err := Open(t.Context(), Options{Address: server.URL}, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	return f, c
}

// set changes something and wakes who waits.
func (f *fakeConsul) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.index++
	change()
	close(f.news)
	f.news = make(chan struct{})
}

func (f *fakeConsul) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.wait(r)
	f.mu.Lock()
	defer f.mu.Unlock()
	path := r.URL.Path
	w.Header().Set("X-Consul-Index", strconv.FormatUint(f.index, 10))
	name := strings.TrimPrefix(path, "/v1/config/service-intentions/")
	switch {
	case f.fail != 0:
		http.Error(w, "made to fail", f.fail)
	case path == "/v1/status/leader":
		f.answer(w, "127.0.0.1:8300")
	case path == "/v1/health/state/any":
		f.answer(w, f.checks)
	case path == "/v1/agent/connect/ca/roots":
		f.answer(w, f.roots)
	case path == "/v1/agent/connect/ca/leaf/"+GatewayName:
		f.answer(w, f.leaf)
	case path == "/v1/agent/connect/authorize":
		f.answer(w, map[string]bool{"Authorized": f.open})
	case path == "/v1/config/service-intentions":
		list := []*api.ServiceIntentionsConfigEntry{}
		for _, e := range f.entries {
			list = append(list, e)
		}
		f.answer(w, list)
	case path == "/v1/config", r.Method == http.MethodDelete:
		f.answer(w, f.write(r, name))
	case f.entries[name] != nil:
		f.answer(w, f.entries[name])
	default:
		http.Error(w, "not found: "+path, http.StatusNotFound)
	}
}

// write sets or deletes an entry if its index is the one that was read.
func (f *fakeConsul) write(r *http.Request, name string) bool {
	entry := &api.ServiceIntentionsConfigEntry{Name: name}
	if r.Method == http.MethodPut {
		if err := json.NewDecoder(r.Body).Decode(entry); err != nil {
			return false
		}
	}
	if f.before != nil {
		f.before()
	}
	var index uint64
	if now := f.entries[entry.Name]; now != nil {
		index = now.ModifyIndex
	}
	f.writes++
	if cas, err := strconv.ParseUint(r.URL.Query().Get("cas"), 10, 64); err != nil || cas != index {
		return false
	}
	f.index++
	entry.ModifyIndex = f.index
	if delete(f.entries, entry.Name); r.Method == http.MethodPut {
		f.entries[entry.Name] = entry
	}
	return true
}

func (f *fakeConsul) wait(r *http.Request) {
	index, err := strconv.ParseUint(r.URL.Query().Get("index"), 10, 64)
	if err != nil || index == 0 {
		return
	}
	limit, err := time.ParseDuration(r.URL.Query().Get("wait"))
	if err != nil {
		return
	}
	timeout := time.After(limit)
	for {
		f.mu.Lock()
		now, news, fail := f.index, f.news, f.fail
		f.mu.Unlock()
		if now != index || fail != 0 { // smaller: restored from a snapshot
			return
		}
		select {
		case <-news:
		case <-timeout:
			return
		case <-r.Context().Done():
			return
		}
	}
}

func (f *fakeConsul) answer(w http.ResponseWriter, v any) {
	_ = json.NewEncoder(w).Encode(v) // a client that left is not the fake's concern
}

func decode(r *http.Request, into any) error {
	defer r.Body.Close()
	return json.NewDecoder(r.Body).Decode(into)
}
