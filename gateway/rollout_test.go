package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

const next service.ID = "dyn-echo-00000002"

// two is the module with a second version, and its tags as given.
func two(k *kit, tags map[string]service.ID, splits map[string]service.Split) service.Module {
	of := func(id service.ID, version string) service.Version {
		return service.Version{ID: id, Module: "Echo", Version: version, Digest: "sha256:" + strings.Repeat(string(id[len(id)-1]), 64),
			Run: service.Run{Port: 5000, Health: service.Health{Path: "/", StartDeadline: seconds(20)}}}
	}
	m := service.Module{Name: "Echo", Tags: tags, Splits: splits,
		Versions: []service.Version{of(next, "1.3.0"), of(echo, "1.2.0")}}
	k.gw.Publish(m)
	return m
}

func named(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) }
}

// at is the state of a service with one instance.
func at(id service.ID, addr string) service.State {
	st := state(1, addr)
	st.ID, st.Endpoints[0].Alloc = id, "alloc-of-"+string(id)
	return st
}

func TestTheOldVersionAnswersUntilTheNewOneCan(t *testing.T) {
	k := newKit(t)
	k.up(k.backend(named("old")))
	before := map[string]service.ID{"release": echo, "dev": echo}
	two(k, before, nil)
	k.get("/svc/Echo/").must(t, http.StatusOK, "old")

	after := map[string]service.ID{"release": next, "dev": next}
	two(k, after, nil)
	for range 20 {
		for _, path := range []string{"/svc/Echo/", "/svc/Echo@release/"} {
			r := k.get(path)
			r.must(t, http.StatusOK, "old")
			if got := r.header.Get("X-Dynsvc-Service"); got != string(echo) {
				t.Errorf("answered by %q", got)
			}
		}
	}
	k.waitFor("the calls wake the new version", func() bool { return k.cluster.woken() == 1 })
	two(k, after, nil) // something else of the module changes
	k.get("/svc/Echo@release/").must(t, http.StatusOK, "old")

	// Who names the version, or wants what was registered last, waits for it.
	var held []<-chan reply
	for _, path := range []string{"/svc/Echo@1.3.0/", "/svc/Echo@^1/", "/svc/Echo@dev/", "/svc/Echo@" + string(next) + "/"} {
		held = append(held, later(func() reply { return k.get(path) }))
	}
	k.waitFor("they wait", func() bool {
		for _, l := range k.gw.Loads() {
			if l.ID == next {
				return l.Queued == len(held)
			}
		}
		return false
	})
	k.gw.Apply(at(next, k.backend(named("new"))))
	for _, r := range held {
		(<-r).must(t, http.StatusOK, "new")
	}
	r := k.get("/svc/Echo/")
	r.must(t, http.StatusOK, "new")
	if got, ok := r.header["X-Dynsvc-Service"]; ok {
		t.Errorf("%q is named although the tag means it", got)
	}
	k.get("/svc/Echo@1.2.0/").must(t, http.StatusOK, "old")

	// Back again: the old one still runs, nobody waits.
	two(k, before, nil)
	k.get("/svc/Echo/").must(t, http.StatusOK, "old")
	if n := k.cluster.woken(); n != 1 {
		t.Errorf("%d wakes", n)
	}
}

func TestATagMovedOnBeforeItsVersionCouldAnswerKeepsTheOneThatCan(t *testing.T) {
	k := newKit(t)
	k.up(k.backend(named("old")))
	const third service.ID = "dyn-echo-00000003"
	m := two(k, map[string]service.ID{"release": echo}, nil)
	two(k, map[string]service.ID{"release": next}, nil)
	k.get("/svc/Echo/").must(t, http.StatusOK, "old")
	v := m.Versions[0]
	v.ID, v.Version = third, "1.4.0"
	m.Versions = append([]service.Version{v}, m.Versions...)
	m.Tags = map[string]service.ID{"release": third}
	k.gw.Publish(m)
	k.get("/svc/Echo/").must(t, http.StatusOK, "old")
	k.gw.Apply(at(next, k.backend(named("skipped"))))
	k.waitFor("the skipped version is ready", func() bool { return k.gw.Load(next).Ready == 1 })
	k.get("/svc/Echo/").must(t, http.StatusOK, "old")
	k.gw.Apply(at(third, k.backend(named("newest"))))
	k.waitFor("the newest version is ready", func() bool { return k.gw.Load(third).Ready == 1 })
	k.get("/svc/Echo/").must(t, http.StatusOK, "newest")
}

func TestATagWhoseOldVersionIsAsleepWakesTheNewOne(t *testing.T) {
	k := newKit(t)
	two(k, map[string]service.ID{"release": echo}, nil)
	two(k, map[string]service.ID{"release": next}, nil)
	call := later(func() reply { return k.get("/svc/Echo/") })
	k.waitFor("it waits", func() bool { return k.gw.Load(next).Queued == 1 })
	k.gw.Apply(at(next, k.backend(named("new"))))
	(<-call).must(t, http.StatusOK, "new")
}

func TestASplitSendsEachCallerToOneVersion(t *testing.T) {
	for _, by := range []string{"header", "cookie", "nothing"} {
		t.Run(by, func(t *testing.T) {
			k := newKit(t)
			k.up(k.backend(named("old")))
			s := service.Split{To: next, Percent: 50}
			send := func(value string) []string { return nil }
			switch by {
			case "header":
				s.Header = "x-user"
				send = func(value string) []string { return []string{"X-User", value} }
			case "cookie":
				s.Cookie = "session"
				send = func(value string) []string { return []string{"Cookie", "a=b; session=" + value} }
			}
			two(k, map[string]service.ID{"release": echo, "beta": echo}, map[string]service.Split{"release": s})
			k.gw.Apply(at(next, k.backend(named("new"))))
			k.waitFor("both are ready", func() bool { return k.gw.Load(next).Ready == 1 })
			got := map[string]int{}
			for i := range 60 {
				value := fmt.Sprintf("user-%d", i)
				r := k.get("/svc/Echo/", send(value)...)
				r.must(t, http.StatusOK)
				got[r.body]++
				if by == "nothing" {
					continue
				}
				if again := k.get("/svc/Echo@release/", send(value)...); again.body != r.body {
					t.Errorf("%s reaches %s and %s", value, r.body, again.body)
				}
				if (r.body == "new") != (r.header.Get("X-Dynsvc-Service") == string(next)) {
					t.Errorf("%s says it is from %q", r.body, r.header.Get("X-Dynsvc-Service"))
				}
			}
			if got["new"] < 10 || got["old"] < 10 {
				t.Errorf("of 60 callers, half to each: %v", got)
			}
			for range 20 {
				k.get("/svc/Echo@beta/").must(t, http.StatusOK, "old")
				k.get("/svc/Echo@1.2.0/").must(t, http.StatusOK, "old")
			}
		})
	}
}

// The second version of a split is cold, or cannot start: calls of its share are
// answered by the tag's own until it can.
func TestASplitFallsBackToTheTagsOwnVersion(t *testing.T) {
	k := newKit(t)
	k.up(k.backend(named("old")))
	s := service.Split{To: next, Percent: 50, Header: "X-User"}
	two(k, map[string]service.ID{"release": echo}, map[string]service.Split{"release": s})
	user := func(i int) []string { return []string{"X-User", fmt.Sprintf("user-%d", i)} }
	for i := range 40 {
		r := k.get("/svc/Echo/", user(i)...)
		r.must(t, http.StatusOK, "old")
		if got, ok := r.header["X-Dynsvc-Service"]; ok {
			t.Errorf("%q is named although the tag means it", got)
		}
	}
	k.waitFor("the calls wake the second version", func() bool { return k.cluster.woken() == 1 })
	k.gw.Apply(at(next, k.backend(named("new"))))
	k.waitFor("it is ready", func() bool { return k.gw.Load(next).Ready == 1 })
	for i := range 40 {
		want := "old"
		if s.Takes(fmt.Sprintf("user-%d", i)) {
			want = "new"
		}
		k.get("/svc/Echo/", user(i)...).must(t, http.StatusOK, want)
	}
	// The other way round nobody falls back: the second version has its share only.
	st := state(0)
	k.gw.Apply(st)
	k.waitFor("the tag's own is away", func() bool { return k.load().Ready == 0 })
	mine, other := -1, -1
	for i := range 40 {
		if s.Takes(fmt.Sprintf("user-%d", i)) {
			other = i
		} else {
			mine = i
		}
	}
	k.get("/svc/Echo/", user(other)...).must(t, http.StatusOK, "new")
	call := later(func() reply { return k.get("/svc/Echo/", user(mine)...) })
	k.waitFor("it waits for its version", func() bool { return k.load().Queued == 1 })
	k.up(k.backend(named("old again")))
	(<-call).must(t, http.StatusOK, "old again")
}

// A gateway that begins while a tag is being moved goes on with the move.
func TestATagMoveGoesOnAfterARestart(t *testing.T) {
	tags := map[string]service.ID{"release": next}
	at1 := func(k *kit, id service.ID, name string) { k.gw.Apply(at(id, k.backend(named(name)))) }
	t.Run("the old version runs", func(t *testing.T) {
		k := newKit(t)
		two(k, tags, nil)
		k.gw.Resume("echo", "release", []service.ID{echo}, time.Now().Add(-time.Minute))
		at1(k, echo, "old")
		for range 20 { // the first of them before its instance was asked
			r := k.get("/svc/Echo/")
			r.must(t, http.StatusOK, "old")
			if got := r.header.Get("X-Dynsvc-Service"); got != string(echo) {
				t.Errorf("answered by %q", got)
			}
		}
		k.waitFor("the calls wake the new version", func() bool { return k.cluster.woken() == 1 })
		two(k, tags, nil) // something else of the module changes
		k.get("/svc/Echo/").must(t, http.StatusOK, "old")
		at1(k, next, "new")
		k.waitFor("it is ready", func() bool { return k.gw.Load(next).Ready == 1 })
		k.get("/svc/Echo/").must(t, http.StatusOK, "new")
	})
	t.Run("the one before that runs", func(t *testing.T) {
		const lost service.ID = "dyn-echo-00000003"
		k := newKit(t)
		two(k, tags, nil)
		k.gw.Resume("echo", "release", []service.ID{lost, next, echo}, time.Now().Add(-time.Minute))
		at1(k, echo, "oldest")
		k.get("/svc/Echo/").must(t, http.StatusOK, "oldest")
	})
	for name, before := range map[string]time.Duration{"too long ago": 6 * time.Minute, "the old version does not run": time.Minute} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t)
			two(k, tags, nil)
			k.gw.Resume("echo", "release", []service.ID{echo}, time.Now().Add(-before))
			if name == "too long ago" {
				at1(k, echo, "old")
			}
			call := later(func() reply { return k.get("/svc/Echo/") })
			k.waitFor("it waits for the new one", func() bool { return k.gw.Load(next).Queued == 1 })
			at1(k, next, "new")
			(<-call).must(t, http.StatusOK, "new")
		})
	}
}
