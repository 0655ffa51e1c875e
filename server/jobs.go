package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humamux"

	"github.com/dynsvc/dynsvc/jobs"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// JobView is a call job with its result.
type JobView struct {
	service.CallJob
	Href   string          `json:"href" doc:"where the job is asked for"`
	Result json.RawMessage `json:"result,omitempty" doc:"of a job that is done: the list of values that the method returned"`
}

// JobRef is the call job that an operation is about.
type JobRef struct {
	ID string `path:"id"`
}

// JobInput is a call to be made as a job.
type JobInput struct {
	Params   json.RawMessage `json:"params,omitempty" doc:"list of the method's parameters, or an object of them by name; absent: none"`
	Callback *struct {
		URL    string `json:"url" doc:"is told with a POST when the job has ended"`
		Secret string `json:"secret" doc:"\"whsec_\" and 24 to 64 random bytes in base64; signs what is sent"`
	} `json:"callback,omitempty"`
}

// jobBodyTimeout bounds how long the parameters of a job may take to arrive.
const jobBodyTimeout = 2 * time.Minute

const submitPath = "/api/v1/modules/{module}/versions/{ref}/methods/{method}/jobs"

func (a *api) jobs() {
	operation(a, forCallers(huma.Operation{
		OperationID: "submit-job", Method: http.MethodPost, Path: submitPath,
		Summary: "Call a method as a job; the job is on disk when the answer comes", DefaultStatus: http.StatusAccepted,
	}), a.submitJob)
	// Told afterwards, because huma would read and judge the body itself.
	a.huma.OpenAPI().Paths[submitPath].Post.RequestBody = &huma.RequestBody{Required: true,
		Content: map[string]*huma.MediaType{"application/json": {Schema: a.schema(reflect.TypeFor[JobInput]())}}}
	view := a.schema(reflect.TypeFor[JobView]())
	operation(a, forCallers(huma.Operation{
		OperationID: "get-job", Method: http.MethodGet, Path: "/api/v1/jobs/{id}", Summary: "A job, with its result once it is done",
		Responses: map[string]*huma.Response{"200": {Description: "the job", Content: map[string]*huma.MediaType{"application/json": {Schema: view}}}},
	}), a.job)
	operation(a, forCallers(huma.Operation{
		OperationID: "get-job-result", Method: http.MethodGet, Path: "/api/v1/jobs/{id}/result", Summary: "The result of a done job alone; ranges are served",
		Responses: map[string]*huma.Response{"200": {Description: "the list of values that the method returned", Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{}}}}},
	}), a.jobResult)
	operation(a, forCallers(huma.Operation{
		OperationID: "cancel-job", Method: http.MethodDelete, Path: "/api/v1/jobs/{id}", Summary: "Cancel a job; one that has ended stays as it is",
		DefaultStatus: http.StatusAccepted,
	}), a.cancelJob)
	operation(a, atLeast(service.User, huma.Operation{
		OperationID: "list-jobs", Method: http.MethodGet, Path: "/api/v1/jobs", Summary: "The caller's jobs, and all to an admin, the newest first; state=dead lists those that were given up",
	}), a.listJobs)
	operation(a, forCallers(huma.Operation{
		OperationID: "redrive-job", Method: http.MethodPost, Path: "/api/v1/jobs/{id}/redrive", Summary: "Send a dead job back to be tried again",
		DefaultStatus: http.StatusAccepted,
	}), a.redriveJob)
	operation(a, forCallers(huma.Operation{
		OperationID: "report-progress", Method: http.MethodPost, Path: "/api/v1/jobs/{id}/progress/{secret}", Summary: "For the instance that runs a job: how far it is",
		BodyReadTimeout: readTimeout, MaxBodyBytes: 64 << 10,
	}), a.reportProgress)
}

// submission is read as JSON whatever its Content-Type, as that of a call is.
type submission struct {
	VersionRef
	Method        string `path:"method" doc:"name of the method, without the module's"`
	Key           string `header:"Idempotency-Key" doc:"the same key from the same caller means the same job"`
	Authorization string `header:"Authorization"`
	body          io.Reader
	request       *http.Request
}

// Resolve is called by huma with the request.
func (s *submission) Resolve(ctx huma.Context) []error {
	s.request, _ = humamux.Unwrap(ctx)
	s.body = ctx.BodyReader()
	if err := ctx.SetReadDeadline(time.Now().Add(jobBodyTimeout)); err != nil {
		return []error{err}
	}
	return nil
}

func (a *api) submitJob(ctx context.Context, in *submission) (*body[JobView], error) {
	input, err := readInput(in.body)
	if err != nil {
		return nil, err
	}
	s := jobs.Submission{Key: in.Key, JobRequest: service.JobRequest{Params: input.Params, Authorization: in.Authorization, Peer: a.Peer(in.request)}}
	for _, part := range []struct {
		to      *string
		escaped string
	}{{&s.Module, in.Module}, {&s.Ref, in.Ref}, {&s.Method, in.Method}} {
		if *part.to, err = url.PathUnescape(part.escaped); err != nil {
			return nil, service.Errorf(service.ErrInvalid, "the path: %w", err)
		}
	}
	if c := input.Callback; c != nil {
		s.Callback = &jobs.Callback{URL: c.URL, Secret: c.Secret}
	}
	job, _, err := a.Jobs.Submit(ctx, s)
	if err != nil {
		return nil, err
	}
	return &body[JobView]{viewOf(job)}, nil
}

// readInput reads the body of a submission strictly.
func readInput(body io.Reader) (in JobInput, err error) {
	const most = jobs.ParamsLimit + 64<<10
	text, err := io.ReadAll(io.LimitReader(body, most+1))
	if err == nil && len(text) > most {
		return in, service.Errorf(service.ErrInvalid, "the body has more than %d bytes: pass a reference to the data", most)
	}
	if err == nil {
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.DisallowUnknownFields()
		if err = dec.Decode(&in); err == nil && dec.More() {
			err = errors.New("something follows the object")
		}
	}
	if err != nil {
		return in, service.Errorf(service.ErrInvalid, `the body must be a JSON object such as {"params": [{"min_length": 500}]}: %w`, err)
	}
	return in, nil
}

func (a *api) schema(t reflect.Type) *huma.Schema {
	return a.huma.OpenAPI().Components.Schemas.Schema(t, true, "")
}

func viewOf(job service.CallJob) JobView {
	return JobView{CallJob: job, Href: "/api/v1/jobs/" + url.PathEscape(job.ID)}
}

// mine returns a job if the caller may see it.
func (a *api) mine(ctx context.Context, id string) (service.CallJob, error) {
	return a.Jobs.Visible(ctx, id, service.CallerOf(ctx))
}

func (a *api) job(ctx context.Context, in *struct {
	JobRef
	Wait service.Duration `query:"wait" doc:"how long to wait for a change, as 30s; at most 1m"`
}) (*huma.StreamResponse, error) {
	job, err := a.mine(ctx, in.ID)
	if err == nil && in.Wait.Duration > 0 {
		job, err = a.Jobs.Wait(ctx, in.ID, in.Wait.Duration)
	}
	if err != nil {
		return nil, err
	}
	var result io.ReadSeekCloser
	if job.State == service.JobDone {
		if result, err = a.Jobs.Result(ctx, in.ID); err != nil {
			return nil, err
		}
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		_, w := humamux.Unwrap(hctx)
		if err := writeJob(w, viewOf(job), result); err != nil && hctx.Context().Err() == nil {
			a.log.Warn("the answer about a job broke off", "job", job.ID, "error", err)
			panic(http.ErrAbortHandler) // half an answer is not to look whole
		}
	}}, nil
}

// writeJob writes a job with its result, which is copied and never in memory
// whole.
func writeJob(w http.ResponseWriter, view JobView, result io.ReadSeekCloser) error {
	text, err := json.Marshal(view)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if result == nil {
		_, err = w.Write(append(text, '\n'))
		return err
	}
	defer result.Close() //nolint:errcheck // only read
	if _, err := w.Write(append(text[:len(text)-1], `,"result":`...)); err != nil {
		return err
	}
	if _, err := io.Copy(w, result); err != nil {
		return err
	}
	_, err = io.WriteString(w, "}\n")
	return err
}

func (a *api) jobResult(ctx context.Context, in *JobRef) (*huma.StreamResponse, error) {
	job, err := a.mine(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	result, err := a.Jobs.Result(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		defer result.Close() //nolint:errcheck // only read
		r, w := humamux.Unwrap(hctx)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		http.ServeContent(w, r, "", *job.Finished, result)
	}}, nil
}

func (a *api) cancelJob(ctx context.Context, in *JobRef) (*body[JobView], error) {
	if _, err := a.mine(ctx, in.ID); err != nil {
		return nil, err
	}
	job, err := a.Jobs.Cancel(ctx, in.ID, who(ctx))
	if err != nil {
		return nil, err
	}
	return &body[JobView]{viewOf(job)}, nil
}

func (a *api) redriveJob(ctx context.Context, in *JobRef) (*body[JobView], error) {
	if _, err := a.mine(ctx, in.ID); err != nil {
		return nil, err
	}
	job, err := a.Jobs.Redrive(ctx, in.ID, who(ctx))
	if err != nil {
		return nil, err
	}
	return &body[JobView]{viewOf(job)}, nil
}

// JobPage is one page of jobs.
type JobPage struct {
	Jobs []store.ListedJob `json:"jobs"`
	Next int64             `json:"next,omitempty" doc:"give it as ?before= for the next page; absent on the last"`
}

func (a *api) listJobs(ctx context.Context, in *struct {
	State  string `query:"state" enum:"queued,running,done,failed,cancelled,dead"`
	Module string `query:"module"`
	Caller string `query:"caller"`
	Before int64  `query:"before" doc:"the page after the one whose next this is"`
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"1000"`
}) (*body[JobPage], error) {
	f := store.JobFilter{State: service.JobState(in.State), Module: in.Module, Before: in.Before, Limit: in.Limit}
	switch c := service.CallerOf(ctx); {
	case !c.IsAdmin():
		f.Caller = &c.Name
	case in.Caller != "":
		f.Caller = &in.Caller
	}
	list, err := a.Jobs.List(ctx, f)
	if err != nil {
		return nil, err
	}
	page := JobPage{Jobs: list}
	if len(list) == in.Limit {
		page.Next = list[len(list)-1].Seq
	}
	return &body[JobPage]{page}, nil
}

func (a *api) reportProgress(_ context.Context, in *struct {
	JobRef
	Secret string `path:"secret"`
	Body   struct {
		_        struct{} `additionalProperties:"true"`
		Progress *float64 `json:"progress,omitempty" doc:"from 0 to 1"`
		Message  *string  `json:"message,omitempty"`
	}
}) (*struct{}, error) {
	return nil, a.Jobs.Report(in.ID, in.Secret, in.Body.Progress, in.Body.Message)
}

// forCallers opens an operation to everybody who may call services. A token
// that dynsvc does not know may be the module's business: who sends it is
// anonymous here, as in a call.
func forCallers(op huma.Operation) huma.Operation {
	op = atLeast(service.Anonymous, op)
	op.Metadata[strangersKey] = true
	return op
}
