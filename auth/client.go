package auth

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/time/rate"
)

// maxAnswer bounds what is read of another service's answer.
const maxAnswer = 1 << 20

// newClient returns a client for questions to other services. It follows no redirect:
// a token is for whom it was sent to.
func newClient() *http.Client {
	return &http.Client{
		Timeout: askTimeout / 2,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: maxAsked, IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: askTimeout / 2,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// bare drops the URL that net/http puts before a cause.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return fmt.Errorf("ask %s: %w", u.URL, u.Err)
	}
	return err
}

// awayError says that an OpenID provider did not give what was asked of it.
type awayError struct{ err error }

func (e *awayError) Error() string { return e.err.Error() }
func (e *awayError) Unwrap() error { return e.err }

// careful asks an OpenID provider not too often and reads not too much, whatever
// keys the tokens name that arrive here. Each of its errors is an awayError.
type careful struct {
	next  http.RoundTripper
	limit *rate.Limiter
}

func (c *careful) RoundTrip(req *http.Request) (*http.Response, error) {
	if !c.limit.Allow() {
		return nil, &awayError{errors.New("asked too often for keys that it does not have")}
	}
	resp, err := c.next.RoundTrip(req)
	if err != nil {
		return nil, &awayError{err}
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close() // its status says enough
		return nil, &awayError{fmt.Errorf("%s answers %s", req.URL.Path, resp.Status)}
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	return resp, nil
}
