package jobs_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/dynsvc/dynsvc/jobs"
	"github.com/dynsvc/dynsvc/service"
)

// hook is a receiver that refuses the first messages.
type hook struct {
	mu      sync.Mutex
	refuses []int // statuses
	got     []*http.Request
	bodies  []string
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got, h.bodies = append(h.got, r), append(h.bodies, string(text))
	if len(h.refuses) > 0 {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(h.refuses[0])
		h.refuses = h.refuses[1:]
	}
}

func callback(url string) func(*jobs.Submission) {
	return func(s *jobs.Submission) { s.Callback = &jobs.Callback{URL: url, Secret: hookSecret} }
}

func TestACallbackIsSignedAndRepeatedUntilItIsTaken(t *testing.T) {
	k := newKit(t)
	h := &hook{refuses: []int{http.StatusTemporaryRedirect}}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	job := k.submit("A.once", "ada", callback(server.URL+"/hook"))
	told := k.until(job.ID, "told of", func(j service.CallJob) bool {
		return j.Callback != nil && j.Callback.State == service.CallbackDelivered
	})
	if told.State != service.JobDone || told.Callback.Attempts != 2 {
		t.Errorf("%+v, %+v", told, told.Callback)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.got) != 2 {
		t.Fatalf("%d messages", len(h.got))
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(hookSecret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range h.got {
		if r.URL.Path != "/hook" {
			t.Errorf("a redirect to %s was followed", r.URL.Path)
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(r.Header.Get("webhook-id") + "." + r.Header.Get("webhook-timestamp") + "." + h.bodies[i]))
		if got, want := r.Header.Get("webhook-signature"), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)); got != want {
			t.Errorf("signature %q, want %q", got, want)
		}
		var event struct {
			Type string          `json:"type"`
			Data service.CallJob `json:"data"`
		}
		if err := json.Unmarshal([]byte(h.bodies[i]), &event); err != nil || event.Type != "job.done" || event.Data.ID != job.ID || event.Data.State != service.JobDone {
			t.Errorf("message %s: %v", h.bodies[i], err)
		}
		if strings.Contains(h.bodies[i], "whsec_") {
			t.Error("the secret is in the message")
		}
	}
	if a, b := h.got[0].Header.Get("webhook-id"), h.got[1].Header.Get("webhook-id"); a != b || a == "" {
		t.Errorf("one message has the ids %q and %q", a, b)
	}
}

func TestACallbackGoesToNoClosedNetwork(t *testing.T) {
	k := newKit(t, func(o *jobs.Options) { o.CallbackNetworks = nil })
	h := &hook{}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	// A name passes the first look; what it stands for is looked at later.
	job := k.submit("A.once", "ada", callback(strings.Replace(server.URL, "127.0.0.1", "localhost", 1)))
	refused := k.until(job.ID, "refused", func(j service.CallJob) bool { return j.Callback != nil && j.Callback.Attempts > 0 })
	if !strings.Contains(refused.Callback.Error, "not a public address") || len(h.got) != 0 {
		t.Errorf("%+v, %d messages", refused.Callback, len(h.got))
	}
}

func TestPermittedAddresses(t *testing.T) {
	for _, tt := range []struct {
		ip   string
		want bool
	}{
		{"93.184.216.34", true}, {"2606:2800:220:1::1", true},
		{"127.0.0.1", false}, {"127.8.8.8", false}, {"0.0.0.0", false}, {"0.1.2.3", false}, {"::1", false}, {"::", false},
		{"169.254.169.254", false}, {"fe80::1", false}, {"fe80::1%eth0", false}, {"fd00:ec2::254", false}, {"100.100.100.200", false}, {"192.0.0.192", false},
		{"172.16.0.1", false}, {"192.168.1.1", false}, {"224.0.0.1", false}, {"ff02::1", false}, {"255.255.255.255", false},
		{"::ffff:127.0.0.1", false}, {"::ffff:169.254.169.254", false}, {"64:ff9b::7f00:1", false}, {"2002:7f00:1::", false},
		{"10.1.2.3", true}, {"::ffff:10.1.2.3", true}, {"10.2.0.1", false}, // of which the operator allows some
	} {
		err := jobs.Permit(netip.MustParseAddr(tt.ip), []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")})
		if (err == nil) != tt.want {
			t.Errorf("%s: %v", tt.ip, err)
		}
	}
}
