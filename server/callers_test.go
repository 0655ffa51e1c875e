package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/service"
)

// door knows the admin by their token, and others by their names.
type door map[string]service.Caller

func (d door) Authenticate(_ context.Context, authorization string) (service.Caller, error) {
	word := strings.TrimPrefix(authorization, "Bearer ")
	if c, ok := d[word]; ok {
		return c, nil
	}
	switch word {
	case "":
		return service.Caller{}, nil
	case token:
		return service.Operator("admin"), nil
	}
	return service.Caller{}, service.Errorf(service.ErrUnauthenticated, "the token is not known here, or no longer")
}

var people = door{
	"ursula": {Name: "ursula", Role: service.User, From: service.FromOIDC},
	"dora":   {Name: "dora", Role: service.Developer, From: service.FromOIDC},
}

// mayUse are the operations that others than admins may use. An operation that is
// added is for admins until it is written here.
var mayUse = map[string]service.Role{
	"watch-events": service.Developer, "plan": service.Developer,
	"whoami": service.Anonymous, "create-token": service.User, "list-tokens": service.User, "revoke-token": service.User,
	"add-owner": service.Developer, "remove-owner": service.Developer,
	"register": service.Developer, "set-tag": service.Developer, "set-split": service.Developer, "end-split": service.Developer, "get-jobspec": service.Developer, "get-submitted-jobspec": service.Developer,
	"register-from-git": service.Developer, "list-registrations": service.Developer, "get-registration": service.Developer,
	"get-registration-log": service.Developer, "cancel-registration": service.Developer, "register-followed": service.Developer, "get-build-log": service.Developer, "push-hook": service.Anonymous,
	"list-modules": service.Anonymous, "get-module": service.Anonymous, "get-version": service.Anonymous, "get-file": service.Anonymous,
	"get-interface": service.Anonymous, "get-openapi": service.Anonymous, "get-client": service.Anonymous,
	"list-services": service.Anonymous, "get-service": service.Developer, "list-decisions": service.Developer, "get-logs": service.Developer,
	"get-policy": service.Developer, "list-policies": service.Developer, "get-stats": service.Developer,
	"start-service": service.Developer, "stop-service": service.Developer, "scale-service": service.Developer,
	"list-jobs": service.User, "submit-job": service.Anonymous, "get-job": service.Anonymous, "get-job-result": service.Anonymous,
	"cancel-job": service.Anonymous, "redrive-job": service.Anonymous, "report-progress": service.Anonymous,
}

// strangersMay are the operations that take a token nobody knows for none: it may
// be meant for the module.
var strangersMay = []string{"submit-job", "get-job", "get-job-result", "cancel-job", "redrive-job", "report-progress"}

// TestEveryOperationNeedsItsRole walks the served OpenAPI, so that an operation
// that is added later is walked too.
func TestEveryOperationNeedsItsRole(t *testing.T) {
	w := open(t)
	close(w.cluster.leaving) // so that streams end
	_, text, _ := w.ask(t, http.MethodGet, "/api/v1/openapi.json", "")
	var spec struct {
		Paths map[string]map[string]struct {
			ID   string       `json:"operationId"`
			Role service.Role `json:"x-role"`
		} `json:"paths"`
	}
	if err := json.Unmarshal([]byte(text), &spec); err != nil {
		t.Fatal(err)
	}
	if len(spec.Paths) < 10 {
		t.Fatalf("%d paths in the OpenAPI text", len(spec.Paths))
	}
	for path, methods := range spec.Paths {
		for method, op := range methods {
			need, known := mayUse[op.ID]
			if !known {
				need = service.Admin
			}
			if op.Role != need {
				t.Errorf("%s says it needs the role %s, and should %s", op.ID, op.Role, need)
			}
			at := strings.NewReplacer("{", "", "}", "").Replace(path)
			for _, as := range []struct {
				token string
				role  service.Role
			}{{"", service.Anonymous}, {"ursula", service.User}, {"dora", service.Developer}, {token, service.Admin}} {
				status, body, _ := w.askAs(t, as.token, strings.ToUpper(method), at, "")
				refused := status == http.StatusUnauthorized || status == http.StatusForbidden
				if refused != (as.role < need) || (status == http.StatusUnauthorized) && as.token != "" {
					t.Errorf("%s %s as %s: %d %s", method, path, as.role, status, body)
				}
			}
			for _, wrong := range []string{"wrong", token + "x"} {
				status, body, _ := w.askAs(t, wrong, strings.ToUpper(method), at, "")
				if (status == http.StatusUnauthorized) == slices.Contains(strangersMay, op.ID) {
					t.Errorf("%s %s with token %q: %d %s", method, path, wrong, status, body)
				}
			}
		}
	}
}
