package kbase

import (
	"context"
	"net/http"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// coreWait bounds the question whether a core service answers.
const coreWait = 2 * time.Second

// core is the URL of a service that runs elsewhere and is looked up here, such as
// KBase's Workspace. A module that is registered goes before one of its name.
func (f *Facade) core(ctx context.Context, w which) (Status, bool) {
	c, ok := f.opts.Core[service.ModuleKey(deref(w.Module))]
	if !ok {
		return Status{}, false
	}
	s := Status{Module: c.Name, ReleaseTags: []string{}, URL: c.URL, Status: "error", Health: "unhealthy"}
	if err := answers(ctx, c.URL); err != nil {
		s.Failure = "it does not answer: " + err.Error()
	} else {
		s.Up, s.Status, s.Health = 1, "active", "healthy"
	}
	return s, true
}

// answers is nil where something at a URL speaks HTTP, whatever it says.
func answers(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, coreWait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= http.StatusBadGateway && res.StatusCode <= http.StatusGatewayTimeout {
		return service.Errorf(service.ErrUnavailable, "the proxy in front says %s", res.Status)
	}
	return nil
}
