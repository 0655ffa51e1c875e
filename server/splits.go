package server

import (
	"context"

	"github.com/dynsvc/dynsvc/service"
)

func (a *api) setSplit(ctx context.Context, in *struct {
	ModuleRef
	Tag  string `path:"tag"`
	Body struct {
		Version string `json:"version" minLength:"1" doc:"who gets the share: semver, commit prefix, other tag or service id"`
		Percent int    `json:"percent" minimum:"1" maximum:"99" doc:"of the calls by this tag that go to it"`
		Header  string `json:"header,omitempty" doc:"calls with the same value of this header reach the same version"`
		Cookie  string `json:"cookie,omitempty" doc:"calls with the same value of this cookie reach the same version"`
	}
}) (*body[service.Module], error) {
	split := service.Split{Percent: in.Body.Percent, Header: in.Body.Header, Cookie: in.Body.Cookie}
	m, err := a.Catalog.Split(ctx, in.Module, in.Tag, in.Body.Version, split, service.CallerOf(ctx))
	if err != nil {
		return nil, err
	}
	return &body[service.Module]{m}, nil
}

func (a *api) endSplit(ctx context.Context, in *struct {
	ModuleRef
	Tag string `path:"tag"`
}) (*body[service.Module], error) {
	m, err := a.Catalog.Split(ctx, in.Module, in.Tag, "", service.Split{}, service.CallerOf(ctx))
	if err != nil {
		return nil, err
	}
	return &body[service.Module]{m}, nil
}
