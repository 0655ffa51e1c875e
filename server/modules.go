package server

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/service"
)

// Registered is the answer to a registration.
type Registered struct {
	Version service.Version `json:"version"`
	URL     string          `json:"url" doc:"where this very version is called"`
	Notices []string        `json:"notices,omitempty" doc:"what the author should know, one sentence each"`
}

// ModulePage is one page of the catalog.
type ModulePage struct {
	Modules []service.Module `json:"modules"`
	Next    string           `json:"next,omitempty" doc:"give it as ?after= for the next page; absent on the last"`
}

// uploadTimeout bounds how long an archive may take to arrive.
const uploadTimeout = 10 * time.Minute

// upload reads the archive as it arrives; it is never held in memory whole.
type upload struct {
	Tag     string `query:"tag" default:"dev" doc:"tag that is moved to the version"`
	Commit  string `query:"commit" pattern:"^([0-9a-f]{7,64})?$" doc:"git commit of the files, where they are exactly those of the commit"`
	archive io.Reader
}

// archiveBody describes a body that is a module's folder, which nobody holds in memory.
func archiveBody() *huma.RequestBody {
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/octet-stream": {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}
}

// Resolve is called by huma with the request.
func (u *upload) Resolve(ctx huma.Context) []error {
	u.archive = ctx.BodyReader()
	if err := ctx.SetReadDeadline(time.Now().Add(uploadTimeout)); err != nil {
		return []error{err}
	}
	return nil
}

// ModuleRef is the module that an operation is about. It is exported, as its like
// are, because huma fills only embedded structs that are.
type ModuleRef struct {
	Module string `path:"module" doc:"name of the module, in any letter case"`
}

// VersionRef is the version that an operation is about.
type VersionRef struct {
	ModuleRef
	Ref string `path:"ref" doc:"tag, semver, range, commit prefix or service id"`
}

func (a *api) modules() {
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "register", Method: http.MethodPost, Path: "/api/v1/modules", DefaultStatus: http.StatusCreated,
		Summary:     "Register a version: the body is the module's folder as tar, tar.gz or zip",
		RequestBody: archiveBody(),
	}), a.register)
	operation(a, atLeast(service.Anonymous, huma.Operation{
		OperationID: "list-modules", Method: http.MethodGet, Path: "/api/v1/modules", Summary: "List modules by name, a page at a time",
	}), a.listModules)
	operation(a, atLeast(service.Anonymous, huma.Operation{
		OperationID: "get-module", Method: http.MethodGet, Path: "/api/v1/modules/{module}", Summary: "A module with its tags and versions",
	}), a.module)
	operation(a, atLeast(service.Anonymous, huma.Operation{
		OperationID: "get-version", Method: http.MethodGet, Path: "/api/v1/modules/{module}/versions/{ref}", Summary: "One version",
	}), a.version)
	operation(a, atLeast(service.Anonymous, huma.Operation{
		OperationID: "get-file", Method: http.MethodGet, Path: "/api/v1/modules/{module}/versions/{ref}/files/{name}",
		Summary: "A kept file of a version: its manifest, interface or documentation",
	}), a.file)
	operation(a, atLeast(service.Anonymous, huma.Operation{
		OperationID: "get-interface", Method: http.MethodGet, Path: "/api/v1/modules/{module}/versions/{ref}/interface",
		Summary: "The interface of a version: its functions and types with their documentation, as docs/kidl.md describes it",
	}), a.iface)
	operation(a, atLeast(service.Anonymous, huma.Operation{
		OperationID: "get-openapi", Method: http.MethodGet, Path: "/api/v1/modules/{module}/versions/{ref}/openapi",
		Summary: "The interface of a version as OpenAPI 3.1",
	}), a.openAPI)
	operation(a, atLeast(service.Anonymous, huma.Operation{
		OperationID: "get-client", Method: http.MethodGet, Path: "/api/v1/modules/{module}/versions/{ref}/clients/{language}",
		Summary: "A generated client of a version in one language, as tar.gz",
	}), a.client)
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "get-jobspec", Method: http.MethodGet, Path: "/api/v1/modules/{module}/versions/{ref}/jobspec",
		Summary: "The rendered Nomad job of a version, as HCL",
	}), a.jobspec)
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "set-tag", Method: http.MethodPut, Path: "/api/v1/modules/{module}/tags/{tag}", Summary: "Move a tag to a version",
		BodyReadTimeout: readTimeout,
	}), a.setTag)
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "set-split", Method: http.MethodPut, Path: "/api/v1/modules/{module}/tags/{tag}/split",
		Summary: "Send a share of a tag's calls to a second version", BodyReadTimeout: readTimeout,
	}), a.setSplit)
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "end-split", Method: http.MethodDelete, Path: "/api/v1/modules/{module}/tags/{tag}/split",
		Summary: "Give all calls of a tag to the version that it means",
	}), a.endSplit)
}

func (a *api) register(ctx context.Context, in *upload) (*body[Registered], error) {
	v, notices, err := a.Catalog.Register(ctx, catalog.Upload{Archive: in.archive, Tag: in.Tag, Commit: in.Commit, By: service.CallerOf(ctx)})
	if err != nil {
		return nil, err
	}
	return &body[Registered]{Registered{Version: v, URL: a.callURL(v), Notices: notices}}, nil
}

// callRef is a reference that means this very version for ever.
func callRef(v service.Version) string {
	if v.Commit != "" {
		return v.Commit
	}
	return string(v.ID)
}

func (a *api) listModules(ctx context.Context, in *struct {
	After string `query:"after" doc:"name after which the page begins"`
	Limit int    `query:"limit" default:"100" minimum:"1" maximum:"1000"`
}) (*body[ModulePage], error) {
	modules, err := a.Store.Modules(ctx, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	page := ModulePage{Modules: []service.Module{}}
	for _, m := range modules {
		if seen, ok := shown(ctx, m); ok {
			page.Modules = append(page.Modules, seen)
		}
	}
	if len(modules) == in.Limit { // also where the caller may see none of them
		page.Next = modules[len(modules)-1].Name
	}
	return &body[ModulePage]{page}, nil
}

func (a *api) module(ctx context.Context, in *ModuleRef) (*body[service.Module], error) {
	m, err := a.findModule(ctx, *in)
	if err != nil {
		return nil, err
	}
	seen, ok := shown(ctx, m)
	if !ok {
		return nil, m.Admit(service.CallerOf(ctx), &m.Versions[0])
	}
	return &body[service.Module]{seen}, nil
}

// findModule is the module of a path, whoever asks.
func (a *api) findModule(ctx context.Context, in ModuleRef) (service.Module, error) {
	name, err := url.PathUnescape(in.Module)
	if err != nil {
		return service.Module{}, service.Errorf(service.ErrInvalid, "module name: %w", err)
	}
	return a.Store.Module(ctx, name)
}

// shown is what who asks may see of a module; ok is false where that is nothing.
func shown(ctx context.Context, m service.Module) (seen service.Module, ok bool) {
	caller := service.CallerOf(ctx)
	seen, ok = m.VisibleTo(caller)
	if !caller.Manages(m) {
		seen.Versions = slices.Clone(seen.Versions)
		for i := range seen.Versions {
			seen.Versions[i] = seen.Versions[i].Shown(m, caller)
		}
	}
	return seen, ok
}

// findIn resolves the reference of a path to a version that who asks may see.
func (a *api) findIn(ctx context.Context, in VersionRef) (service.Module, service.Version, error) {
	m, err := a.findModule(ctx, in.ModuleRef)
	if err != nil {
		return m, service.Version{}, err
	}
	ref, err := url.PathUnescape(in.Ref)
	if err != nil {
		return m, service.Version{}, service.Errorf(service.ErrInvalid, "version: %w", err)
	}
	v, err := service.Resolve(m, ref)
	if err != nil {
		return m, v, err
	}
	return m, v, m.Admit(service.CallerOf(ctx), &v)
}

func (a *api) find(ctx context.Context, in VersionRef) (service.Version, error) {
	_, v, err := a.findIn(ctx, in)
	return v, err
}

func (a *api) version(ctx context.Context, in *VersionRef) (*body[service.Version], error) {
	m, v, err := a.findIn(ctx, *in)
	if err != nil {
		return nil, err
	}
	return &body[service.Version]{v.Shown(m, service.CallerOf(ctx))}, nil
}

// text is an answer that is not JSON.
type text struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func (a *api) file(ctx context.Context, in *struct {
	VersionRef
	Name string `path:"name"`
}) (*text, error) {
	m, v, err := a.findIn(ctx, in.VersionRef)
	if err != nil {
		return nil, err
	}
	name, err := url.PathUnescape(in.Name)
	if err != nil {
		return nil, service.Errorf(service.ErrInvalid, "file name: %w", err)
	}
	if name == v.Manifest { // it says what Version.Shown keeps back
		if err := m.MayChange(service.CallerOf(ctx)); err != nil {
			return nil, err
		}
	}
	f, err := a.Store.File(ctx, v.ID, name)
	if err != nil {
		return nil, err
	}
	// Authors' files are shown, never run by a browser.
	return &text{ContentType: "text/plain; charset=utf-8", Body: f.Content}, nil
}

func (a *api) iface(ctx context.Context, in *VersionRef) (*text, error) {
	v, err := a.find(ctx, *in)
	if err != nil {
		return nil, err
	}
	model, err := a.Catalog.Interface(ctx, v)
	if err != nil {
		return nil, err
	}
	out, err := json.Marshal(model)
	return &text{ContentType: "application/json", Body: out}, err
}

func (a *api) openAPI(ctx context.Context, in *VersionRef) (*text, error) {
	v, err := a.find(ctx, *in)
	if err != nil {
		return nil, err
	}
	out, err := a.Catalog.OpenAPI(ctx, v, a.callURL(v))
	return &text{ContentType: "application/json", Body: out}, err
}

// callURL is where this very version is called for ever.
func (a *api) callURL(v service.Version) string {
	return a.opts.URL + "/svc/" + url.PathEscape(v.Module) + "@" + callRef(v)
}

func (a *api) jobspec(ctx context.Context, in *VersionRef) (*text, error) {
	m, v, err := a.findIn(ctx, *in)
	if err != nil {
		return nil, err
	}
	if err := m.MayChange(service.CallerOf(ctx)); err != nil {
		return nil, err
	}
	job, err := a.Render(ctx, v)
	if err != nil {
		return nil, err
	}
	return &text{ContentType: "text/plain; charset=utf-8", Body: []byte(job.HCL)}, nil
}

func (a *api) setTag(ctx context.Context, in *struct {
	ModuleRef
	Tag  string `path:"tag"`
	Body struct {
		Version string `json:"version" minLength:"1" doc:"what the tag shall mean: semver, commit prefix, other tag or service id"`
	}
}) (*body[service.Version], error) {
	v, err := a.Catalog.SetTag(ctx, in.Module, in.Tag, in.Body.Version, service.CallerOf(ctx))
	if err != nil {
		return nil, err
	}
	return &body[service.Version]{v}, nil
}
