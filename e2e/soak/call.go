package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"syscall"

	"github.com/dynsvc/dynsvc/e2e/soak/content"
)

// fail is the end of a call whose connection gave no whole answer.
func (r *record) fail(err error) {
	r.text = err.Error()
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		r.outcome = late
	case errors.Is(err, syscall.ECONNREFUSED):
		r.outcome = noConnection
	default:
		r.outcome = cut
	}
}

// is is the end of a call that was answered, well or not.
func (r *record) is(ok bool, format string, args ...any) {
	r.outcome = good
	if !ok {
		r.outcome, r.text = wrong, fmt.Sprintf(format, args...)
	}
}

// read reads a whole answer. One that breaks off is the end of the call.
func (r *record) read(res *http.Response) (body []byte, ok bool) {
	body, err := io.ReadAll(res.Body)
	if err != nil {
		r.fail(err)
	}
	return body, err == nil
}

// refuse is the end of a call that was answered with an error.
func (r *record) refuse(res *http.Response) {
	r.outcome, r.status = refused, res.StatusCode
	text, ok := r.read(res)
	if !ok {
		return
	}
	r.text = detail(text)
}

// detail is why, in the words of a problem or of a JSON-RPC error.
func detail(text []byte) string {
	var why struct {
		Detail string `json:"detail"`
		Error  struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(text, &why); err != nil {
		return fmt.Sprintf("%.300s", text)
	}
	return why.Detail + why.Error.Message
}

// send makes a request under the call's id and returns an answer with the wanted
// status; else the call has ended.
func (s *soak) send(r *record, req *http.Request, err error, want int) *http.Response {
	if err != nil {
		r.is(false, "%v", err)
		return nil
	}
	req.Header.Set("X-Request-Id", r.id)
	res, err := s.client.Do(req)
	if err != nil {
		r.fail(err)
		return nil
	}
	r.cold = r.cold || res.Header.Get("Server-Timing") != ""
	if res.StatusCode != want {
		r.refuse(res)
		_ = res.Body.Close() // it was read
		return nil
	}
	return res
}

// call makes a typed call, in either dialect of JSON-RPC.
func (s *soak) call(ctx context.Context, r *record) {
	module, method, dialect := soaked, "once", "version"
	number := `"1.1"`
	switch r.kind {
	case again:
		method, dialect, number = "again", "jsonrpc", `"2.0"`
	case waves:
		module = surged
	}
	p := content.Payload{ID: r.id, N: rand.Int64N(1 << 40), MS: 50 + rand.IntN(300)}
	text, err := json.Marshal(p)
	if err != nil {
		r.is(false, "%v", err)
		return
	}
	body := fmt.Sprintf(`{"%s":%s,"id":"%s","method":"%s.%s","params":[%s]}`, dialect, number, r.id, module, method, text)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/svc/"+module, bytes.NewReader([]byte(body)))
	res := s.send(r, req, err, http.StatusOK)
	if res == nil {
		return
	}
	defer res.Body.Close()
	answer, ok := r.read(res)
	if !ok {
		return
	}
	var reply struct{ Result []content.Payload }
	err = json.Unmarshal(answer, &reply)
	if err != nil || len(reply.Result) != 1 {
		r.is(false, "%.300s", answer)
		return
	}
	r.version = reply.Result[0].Version
	r.is(reply.Result[0] == p.Answer(r.version), "%.300s", answer)
}

// callRange asks for a part of a file.
func (s *soak) callRange(ctx context.Context, r *record) {
	whole := content.Blob()
	from := rand.IntN(len(whole) - 1)
	part := whole[from:min(len(whole), from+1+rand.IntN(64<<10))]
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.at("/blob", r), http.NoBody)
	if err == nil {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, from+len(part)-1))
	}
	res := s.send(r, req, err, http.StatusPartialContent)
	if res == nil {
		return
	}
	defer res.Body.Close()
	got, ok := r.read(res)
	if !ok {
		return
	}
	r.is(bytes.Equal(got, part), "%d other bytes than the %d from %d on", len(got), len(part), from)
}

// at is the URL of a path of the main module.
func (s *soak) at(path string, r *record) string {
	return s.url + "/svc/" + soaked + path + "?id=" + r.id
}
