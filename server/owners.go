package server

import (
	"context"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dynsvc/dynsvc/service"
)

// OwnerRef is the owner that an operation is about.
type OwnerRef struct {
	ModuleRef
	User string `path:"user" doc:"name of the user"`
}

// Owners are who may change a module.
type Owners struct {
	Module string   `json:"module"`
	Owners []string `json:"owners"`
}

func (a *api) owners() {
	const path = "/api/v1/modules/{module}/owners/{user}"
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "add-owner", Method: http.MethodPut, Path: path, Summary: "Make a user an owner of a module",
	}), func(ctx context.Context, in *OwnerRef) (*body[Owners], error) {
		return owned(ctx, in, a.Catalog.AddOwner)
	})
	operation(a, atLeast(service.Developer, huma.Operation{
		OperationID: "remove-owner", Method: http.MethodDelete, Path: path, Summary: "End a user's ownership of a module",
	}), func(ctx context.Context, in *OwnerRef) (*body[Owners], error) {
		return owned(ctx, in, a.Catalog.RemoveOwner)
	})
}

func owned(ctx context.Context, in *OwnerRef, change func(ctx context.Context, module, user string, by service.Caller) (service.Module, error)) (*body[Owners], error) {
	user, err := url.PathUnescape(in.User)
	if err != nil {
		return nil, service.Errorf(service.ErrInvalid, "user name: %w", err)
	}
	m, err := change(ctx, in.Module, user, service.CallerOf(ctx))
	if err != nil {
		return nil, err
	}
	return &body[Owners]{Owners{Module: m.Name, Owners: append([]string{}, m.Owners...)}}, nil
}
