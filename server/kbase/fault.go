package kbase

import (
	"errors"
	"fmt"

	"github.com/dynsvc/dynsvc/service"
)

// JSON-RPC's codes, and KBase's for what a method says.
const (
	codeParse   = -32700
	codeRequest = -32600
	codeMethod  = -32601
	codeParams  = -32602
	codeServer  = -32000
	codeOurs    = -32603
	codeGet     = -32300
)

var codeNames = map[int]string{
	codeParse: "Parse error", codeRequest: "Invalid Request", codeMethod: "Method not found", codeParams: "Invalid params",
	codeServer: "Server error", codeOurs: "Internal error", codeGet: "JSONRPCError",
}

// fault is an error as KBase's clients get it. Those show its message, and some
// look for parts of it, so the texts are KBase's own where it has one.
type fault struct {
	code    int
	message string
}

func (f *fault) Error() string { return f.message }

// refusal is what a method says no with.
func refusal(format string, args ...any) error {
	return &fault{codeServer, fmt.Sprintf(format, args...)}
}

// The texts of KBase's services that stand for a situation.
var (
	errNoModule   = refusal("Module cannot be found based on module_name or git_url parameters.")
	errNoVersions = refusal("Module was never properly registered, and has no available versions.")
	errNoVersion  = refusal("No module version found that matches your criteria!")
	errNotListed  = refusal("Operation failed - module/repo is not registered.")
	errUnnamed    = refusal("Missing required fields git_url or module_name")
	errDenied     = refusal("You do not have permission to perform this action.")
)

// faultOf is what the caller reads of an error; own reports that it is a failure
// of ours, whose cause is for the log.
func faultOf(err error) (f *fault, own bool) {
	if errors.As(err, &f) {
		return f, false
	}
	for _, kind := range []error{service.ErrNotFound, service.ErrInvalid, service.ErrConflict, service.ErrUnauthenticated, service.ErrDenied, service.ErrUnavailable} {
		if errors.Is(err, kind) {
			return &fault{codeServer, err.Error()}, false
		}
	}
	return &fault{codeOurs, "An unexpected server error occurred; the log of dynsvc says which"}, true
}
