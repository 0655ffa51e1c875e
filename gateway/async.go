package gateway

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// jobs keeps call jobs. KBase's clients ask for them at the root of a service,
// by methods that no interface can declare: Module._method_submit makes a job of
// a call, and Module._check_job asks how far it is.
type jobs interface {
	// Accept stores a call that was admitted as a job and returns its id.
	Accept(ctx context.Context, r service.JobRequest, a service.Admission) (id string, err error)
	// Look returns a job that the caller may see, and the result of a done one,
	// to be closed.
	Look(ctx context.Context, id string, c service.Caller) (service.CallJob, io.ReadCloser, error)
}

// verb is what a call wants of the jobs.
type verb int

const (
	noVerb verb = iota
	submitVerb
	checkVerb
)

// asyncLimit is how large a submission may be: parameters and envelope.
const asyncLimit = 16<<20 + 64<<10

// verb reads what a method of these names means. It says of which method.
func (c *call) verb() (verb, string) {
	if c.g.opts.Jobs == nil || c.job != nil || !strings.HasPrefix(c.env.function(), "_") {
		return noVerb, ""
	}
	name := c.env.function()[1:]
	if name == "check_job" {
		return checkVerb, ""
	}
	if method, ok := strings.CutSuffix(name, "_submit"); ok && method != "" {
		return submitVerb, method
	}
	return noVerb, ""
}

// asyncRequest is what such a call says.
type asyncRequest struct {
	Params  json.RawMessage `json:"params"`
	Context struct {
		Version string `json:"service_ver"` // which one to run: wins over the URL's
	} `json:"context"`
}

func (c *call) asyncRequest() (r asyncRequest, err error) {
	whole := false
	err = c.soon(func() error {
		whole, err = c.body.whole(asyncLimit)
		return err
	})
	switch {
	case err != nil:
		return r, err
	case !whole:
		return r, service.Errorf(service.ErrInvalid, "a job is submitted with at most %d bytes: pass a reference to the data", asyncLimit)
	}
	if err := json.Unmarshal(c.body.kept, &r); err != nil {
		return r, service.Errorf(service.ErrInvalid, "the call cannot be read: %w", err)
	}
	return r, nil
}

// async answers a call that is about jobs.
func (c *call) async(v verb, method string) error {
	c.answered = true
	if v == submitVerb {
		return c.submit(method)
	}
	return c.check()
}

// submit makes a job of a call.
func (c *call) submit(method string) error {
	r, err := c.asyncRequest()
	if err != nil {
		return err
	}
	ref := c.route.ref
	if r.Context.Version != "" {
		ref = r.Context.Version
	}
	means, err := c.g.resolve(c.route.module, ref)
	if err != nil {
		return err
	}
	c.to, _ = means.pick(c.in)
	declared := false
	if c.method, declared = c.to.version.Method(method); !declared {
		return &methodError{c.to.version, c.env.method}
	}
	if err := c.identify(); err != nil {
		return err
	}
	if err := c.fit(); err != nil {
		return err
	}
	admission, err := c.admission()
	if err != nil {
		return err
	}
	c.caller = admission.Caller
	peer := c.from.peer()
	admission.Payer = peer.Payer(c.caller)
	if err := c.charge(); err != nil {
		return err
	}
	id, err := c.g.opts.Jobs.Accept(c.in.Context(), service.JobRequest{Module: c.to.version.Module, Ref: ref, Method: method, Params: r.Params}, admission)
	if err != nil {
		return err
	}
	return c.result([]any{id}, nil)
}

// check tells how far a job is. One that came to nothing is answered as the call
// would have been.
func (c *call) check() error {
	r, err := c.asyncRequest()
	if err != nil {
		return err
	}
	var params []string
	if err := json.Unmarshal(r.Params, &params); err != nil || len(params) != 1 {
		return service.Errorf(service.ErrInvalid, `%s takes the id of a job: "params": ["…"]`, c.env.method)
	}
	if c.caller, err = c.whoever(); err != nil {
		return err
	}
	if err := c.charge(); err != nil {
		return err
	}
	job, result, err := c.g.opts.Jobs.Look(c.in.Context(), params[0], c.caller)
	if err != nil {
		return err
	}
	type state struct {
		Finished int    `json:"finished"`
		State    string `json:"job_state"`
	}
	switch {
	case !job.State.Finished():
		return c.result([]any{state{0, string(job.State)}}, nil)
	case job.State == service.JobDone:
		defer result.Close()
		return c.result([]any{state{1, string(job.State)}}, result)
	}
	return c.failed(job)
}

// result answers with a list of values. The result of a job, if there is one, is
// a further member of the last of them.
func (c *call) result(values []any, result io.Reader) error {
	text, err := json.Marshal(values)
	if err != nil {
		return err
	}
	head := `{"version":"1.1","id":`
	if c.env.v2 {
		head = `{"jsonrpc":"2.0","id":`
	}
	head += string(id(c.env)) + `,"result":`
	c.begin(http.StatusOK)
	parts := []io.Reader{strings.NewReader(head), strings.NewReader(string(text))}
	if result != nil {
		inner, outer := text[:len(text)-2], text[len(text)-2:] // …,"result": … }]
		parts = []io.Reader{strings.NewReader(head), strings.NewReader(string(inner) + `,"result":`), result, strings.NewReader(string(outer))}
	}
	parts = append(parts, strings.NewReader("}"))
	if _, err := io.Copy(c.w, io.MultiReader(parts...)); err != nil && c.in.Context().Err() == nil {
		panic(http.ErrAbortHandler) // half an answer is not to look whole
	}
	return nil
}

func (c *call) begin(status int) {
	h := c.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set(headerRequestID, c.requestID)
	if c.route.dynserv {
		share(c.in, h)
	}
	c.status = status
	c.w.WriteHeader(status)
}

// failed answers with the error of a job.
func (c *call) failed(job service.CallJob) error {
	e := service.JobError{Code: codeServer, Message: "the job is " + string(job.State) + ": " + job.Reason}
	if job.Error != nil {
		e = *job.Error
	}
	data, ok := e.Data.(string)
	if !ok && e.Data != nil {
		text, err := json.Marshal(e.Data)
		if err != nil {
			return err
		}
		data = string(text)
	}
	if e.Name == "" {
		e.Name = "JSONRPCError"
	}
	var reply any = reply11{Version: "1.1", ID: id(c.env), Error: error11{Name: e.Name, Code: e.Code, Message: e.Message, Error: data}}
	if c.env.v2 {
		reply = reply20{Version: "2.0", ID: id(c.env), Error: error20{Code: e.Code, Message: e.Message, Data: data}}
	}
	text, err := json.Marshal(reply)
	if err != nil {
		return err
	}
	c.begin(http.StatusInternalServerError)
	_, _ = c.w.Write(text) // the caller may have left
	return nil
}
