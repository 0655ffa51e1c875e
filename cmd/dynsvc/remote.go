package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/dynsvc/dynsvc/service"
)

// remote is the agent that a command talks to.
type remote struct {
	addr  string
	token string
	json  bool
}

func (r *remote) flags(f *pflag.FlagSet) {
	f.StringVar(&r.addr, "addr", "", "address of the agent, e.g. http://127.0.0.1:8080 (default $DYNSVC_ADDR, then .dynsvc/dev.json)")
	f.StringVar(&r.token, "token", "", "your token (default $DYNSVC_TOKEN, then .dynsvc/dev.json)")
	f.BoolVar(&r.json, "json", false, "print the answer as JSON")
}

// devFile is what "dynsvc dev" leaves in its data folder for scripts.
type devFile struct {
	URL   string `json:"url"`
	Addr  string `json:"addr"`
	Token string `json:"token"`
	PID   int    `json:"pid"`
}

const devFileName = "dev.json"

// resolve fills what no flag said: environment first, then dev.json.
func (r *remote) resolve() error {
	if r.addr == "" {
		r.addr = os.Getenv("DYNSVC_ADDR")
	}
	if r.token == "" {
		r.token = os.Getenv("DYNSVC_TOKEN")
	}
	if r.addr == "" {
		text, err := os.ReadFile(filepath.Join(".dynsvc", devFileName))
		if errors.Is(err, os.ErrNotExist) {
			return usagef("which agent? Give -addr, set $DYNSVC_ADDR, or run \"dynsvc dev\" in this folder")
		}
		if err != nil {
			return err
		}
		var dev devFile
		if err := json.Unmarshal(text, &dev); err != nil {
			return fmt.Errorf("read .dynsvc/%s: %w", devFileName, err)
		}
		r.addr = dev.URL
		if r.token == "" {
			r.token = dev.Token
		}
	}
	if !strings.Contains(r.addr, "://") {
		r.addr = "http://" + r.addr
	}
	u, err := url.Parse(r.addr)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return usagef("the agent's address %q is not a URL such as http://127.0.0.1:8080", r.addr)
	}
	r.addr = strings.TrimSuffix(r.addr, "/")
	return nil
}

// problem is an error answer of the API, RFC 9457.
type problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Errors []struct {
		Message  string `json:"message"`
		Location string `json:"location"`
	} `json:"errors"`
}

func (p *problem) Error() string {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	for _, e := range p.Errors {
		text += "\n  " + strings.TrimPrefix(e.Location+": ", ": ") + e.Message
	}
	return text
}

// open sends a request and returns the body of a good answer, which the caller
// closes. An answer of 400 and above is returned as a *problem.
func (r *remote) open(ctx context.Context, method, path string, contentType string, body io.Reader) (io.ReadCloser, error) {
	if err := r.resolve(); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, r.addr+path, body)
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("reach the agent at %s: %w", r.addr, unwrapURL(err))
	}
	if resp.StatusCode < 400 {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	p := &problem{Status: resp.StatusCode, Title: resp.Status}
	if json.Unmarshal(text, p) != nil || p.Title == "" {
		p.Title = fmt.Sprintf("the agent answered %s: %s", resp.Status, bytes.TrimSpace(text))
	}
	if resp.StatusCode == http.StatusUnauthorized && r.token == "" {
		p.Detail += " (give -token or set $DYNSVC_TOKEN)"
	}
	return nil, p
}

// do sends in as JSON (nothing when nil) and decodes the answer into out.
func (r *remote) do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	contentType := ""
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body, contentType = bytes.NewReader(text), "application/json"
	}
	answer, err := r.open(ctx, method, path, contentType, body)
	if err != nil {
		return err
	}
	defer answer.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(answer).Decode(out); err != nil {
		return fmt.Errorf("read the agent's answer: %w", err)
	}
	return nil
}

// version finds what MODULE[@VERSION] means to the agent.
func (r *remote) version(ctx context.Context, target string) (service.Version, error) {
	name, ref, _ := strings.Cut(target, "@")
	var m service.Module
	if err := r.do(ctx, http.MethodGet, "/api/v1/modules/"+url.PathEscape(name), nil, &m); err != nil {
		return service.Version{}, err
	}
	return service.Resolve(m, ref)
}

// printJSON writes v as indented JSON.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// unwrapURL drops the method and URL that net/http puts before a cause.
func unwrapURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// ago is a moment as people say it.
func ago(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return time.Since(t).Round(time.Second).String() + " ago"
}
