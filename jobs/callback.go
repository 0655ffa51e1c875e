package jobs

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// Callback says who is told when a job has ended, in the way of Standard
// Webhooks (standardwebhooks.com), so that libraries exist to verify it.
type Callback struct {
	URL    string // http or https
	Secret string // "whsec_" and 24 to 64 bytes in base64: signs what is sent
}

const (
	secretPrefix = "whsec_"
	secretLeast  = 24
	secretMost   = 64
	urlLimit     = 2048
)

// check refuses what could never be called, or must not.
func (c *Callback) check(allowed []netip.Prefix) error {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || len(c.URL) > urlLimit {
		return service.Errorf(service.ErrInvalid, "callback.url must be a URL that begins with http:// or https://, of at most %d characters", urlLimit)
	}
	if u.User != nil {
		return service.Errorf(service.ErrInvalid, "callback.url must have no user and password in it: the signature tells who sent the message")
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
		if err := permit(ip, allowed); err != nil {
			return service.Errorf(service.ErrInvalid, "callback.url: %w", err)
		}
	}
	if _, err := signingKey(c.Secret); err != nil {
		return err
	}
	return nil
}

func signingKey(secret string) ([]byte, error) {
	text, ok := strings.CutPrefix(secret, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) < secretLeast || len(key) > secretMost {
		return nil, service.Errorf(service.ErrInvalid,
			`callback.secret must be "whsec_" and %d to %d random bytes in base64; this makes one: echo "whsec_$(openssl rand -base64 32)"`, secretLeast, secretMost)
	}
	return key, nil
}

// sign is the value of webhook-signature.
func sign(key []byte, id string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%d.", id, at.Unix()) // a hash takes everything
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

const (
	callbackTimeout  = 15 * time.Second
	callbacksAtOnce  = 16
	callbackMostRead = 64 << 10 // of an answer, so that the connection can be used again
)

// callbackDelays are the pauses between attempts: a day and a half in all.
var callbackDelays = []time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 12 * time.Hour,
}

// callBack tells of ended jobs until ctx ends.
func (q *Queue) callBack(ctx context.Context) {
	client := q.callbackClient()
	defer client.CloseIdleConnections()
	tick := time.NewTicker(sweep)
	defer tick.Stop()
	for {
		more, err := q.callBackDue(ctx, client)
		if err != nil && ctx.Err() == nil {
			q.log.Warn("could not read due callbacks", "error", err)
		}
		if more && ctx.Err() == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-q.called:
		case <-tick.C:
		}
	}
}

// callBackDue sends what is due and reports whether there may be more.
func (q *Queue) callBackDue(ctx context.Context, client *http.Client) (more bool, err error) {
	due, err := q.db.DueCallbacks(ctx, time.Now(), callbacksAtOnce)
	if err != nil || len(due) == 0 {
		return false, err
	}
	var all sync.WaitGroup
	for _, d := range due {
		all.Go(func() {
			result := q.callBackOnce(ctx, client, d)
			if ctx.Err() != nil {
				return // it is sent again by the next agent
			}
			if err := q.db.SetCallback(ctx, d.Job.ID, result); err != nil && ctx.Err() == nil {
				q.log.Warn("could not store what came of a callback", "job", d.Job.ID, "error", err)
			}
			q.watches.tell(d.Job.ID)
		})
	}
	all.Wait()
	return len(due) == callbacksAtOnce, nil
}

func (q *Queue) callBackOnce(ctx context.Context, client *http.Client, d store.DueCallback) store.CallbackResult {
	err := q.send(ctx, client, d)
	if err == nil {
		return store.CallbackResult{State: service.CallbackDelivered}
	}
	q.log.Debug("a callback came to nothing", "job", d.Job.ID, "error", err)
	tries := d.Job.Callback.Attempts
	if tries >= len(callbackDelays) {
		q.log.Warn("gave a callback up", "job", d.Job.ID, "error", err)
		return store.CallbackResult{State: service.CallbackFailed, Error: err.Error()}
	}
	wait := callbackDelays[tries]
	return store.CallbackResult{State: service.CallbackDue, Error: err.Error(), Due: time.Now().Add(wait/2 + spread(wait/2))}
}

// event is the body of a callback.
type event struct {
	Type      string          `json:"type"`
	Timestamp time.Time       `json:"timestamp"`
	Data      service.CallJob `json:"data"`
}

// send makes one attempt.
func (q *Queue) send(ctx context.Context, client *http.Client, d store.DueCallback) error {
	secret, err := q.seal.open(d.Job.ID, d.Secret)
	if err != nil {
		return fmt.Errorf("the secret cannot be read: the key beside the database was replaced")
	}
	key, err := signingKey(string(secret))
	if err != nil {
		return err
	}
	job := d.Job
	job.Callback = nil // what is told is the job
	e := event{Type: "job." + string(job.State), Data: job}
	if job.Finished != nil {
		e.Timestamp = *job.Finished
	}
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode the message: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, callbackTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.Job.Callback.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	// The same in each attempt, so that a receiver knows what it has had.
	id, now := job.ID+"."+string(job.State)+"."+strconv.Itoa(job.Attempts), time.Now()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "dynsvc")
	req.Header.Set("Webhook-Id", id)
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("Webhook-Signature", sign(key, id, now, body))
	q.reached("calling")
	res, err := client.Do(req)
	if err != nil {
		return unwrapURL(err)
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, callbackMostRead) // what it says is of no account
	q.reached("called")
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("it answered %s", res.Status)
	}
	return nil
}
