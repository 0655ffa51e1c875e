package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/dynsvc/dynsvc/server"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// runGit asks the agent to register from a repository, and shows its log until it
// has ended.
func (c *registering) runGit(ctx context.Context, stdout, stderr io.Writer) error {
	ask := map[string]string{"git": c.git, "ref": c.ref, "tag": c.tag}
	var p store.Pull
	if err := c.do(ctx, http.MethodPost, "/api/v1/registrations", ask, &p); err != nil {
		return err
	}
	path := registrationPath(p.ID)
	log, err := c.open(ctx, http.MethodGet, path+"/log?follow=true", "", nil)
	if err != nil {
		return err
	}
	defer log.Close()
	if _, err := io.Copy(stderr, log); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("registration %d goes on without you: dynsvc register -cancel %[1]d ends it", p.ID)
		}
		return fmt.Errorf("follow registration %d: %w", p.ID, err)
	}
	if err := c.do(ctx, http.MethodGet, path, nil, &p); err != nil {
		return err
	}
	switch {
	case p.State == store.PullFailed:
		return fmt.Errorf("registration %d failed: %s", p.ID, p.Error)
	case p.State != store.PullDone:
		return fmt.Errorf("registration %d is still %s, but its log ended: look at it with GET %s", p.ID, p.State, path)
	case c.json:
		return printJSON(stdout, p)
	}
	var d server.Detail
	if err := c.do(ctx, http.MethodGet, "/api/v1/services/"+string(p.Service), nil, &d); err != nil {
		return err
	}
	return c.report(stdout, d.Definition, c.addr+"/svc/"+d.Definition.Module+"@"+string(p.Service))
}

func registrationPath(id int64) string { return "/api/v1/registrations/" + strconv.FormatInt(id, 10) }

// runCancel ends a registration that goes on.
func (c *registering) runCancel(ctx context.Context, stderr io.Writer) error {
	if err := c.do(ctx, http.MethodDelete, registrationPath(c.cancel), nil, nil); err != nil {
		return err
	}
	_, err := fmt.Fprintf(stderr, "registration %d is cancelled\n", c.cancel)
	return err
}

func (c *registering) report(w io.Writer, v service.Version, url string) error {
	_, err := fmt.Fprintf(w, "Registered %s %s as %s (tag %s)\nCall it at %s\n", v.Module, v.Version, v.ID, c.tag, url)
	return err
}
