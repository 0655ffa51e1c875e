package nomad

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/service"
)

// Texts of Nomad 1.11 that carry a meaning which its status codes do not. This
// file is the only place that matches text; the e2e tests pin each of them.
const (
	textDeploying = "job scaling blocked due to active deployment"
	textIndex     = "Enforcing job modify index"
	textBounds    = "than scaling policy m" // "…less than scaling policy minimum", "…greater than scaling policy maximum"
	textMaxCount  = "configured job_max_count"
	textFaults    = "occurred:" // "1 error occurred:", how Nomad lists the faults of a job, with status 500
	textNoLogs    = "No logs available"
	textNoEntry   = "log entry for task" // "… not found": the task has not written yet
)

// textsNoImage are the words of container registries and of Docker for an image
// that another attempt will not find either.
var textsNoImage = []string{"manifest unknown", "not found", "access denied", "does not exist", "unauthorized", "invalid reference format", "denied:"}

// textsPull mark a driver failure that is about the image.
var textsPull = []string{"failed to pull", "unable to pull", "no such image", "image not found", "failed to inspect image", "failed to parse image"}

// textsNoProgram mark a driver failure that another attempt will meet again.
var textsNoProgram = []string{"could not be found", "no such file or directory", "executable file not found", "permission denied", "exec format error"}

// textsBadArtifact mark a download that another attempt will not better.
var textsBadArtifact = []string{"checksum", "404", "bad response code: 4", "unsupported"}

// wrappings say where an error came from inside Nomad, which helps nobody here.
var wrappings = []string{
	"rpc error: code = Unknown desc = ", "failed to launch command with executor: ", "Error response from daemon: ",
	"failed to create container: ", "getter subprocess failed: exit status 1: failed to download artifact: ",
}

// classify turns an error of the API client into one of the kinds of package
// service. doing says what was tried, and to which thing.
func classify(err error, doing string) error {
	if err == nil {
		return nil
	}
	var answer api.UnexpectedResponseError
	if !errors.As(err, &answer) {
		if errors.Is(err, context.Canceled) {
			return err
		}
		return service.Errorf(service.ErrUnavailable, "%s: nomad cannot be reached: %w", doing, unaddressed(err))
	}
	body := strings.TrimSpace(answer.Body())
	if body == "" {
		body = answer.StatusText()
	}
	if strings.Contains(body, textFaults) {
		return service.Errorf(service.ErrInvalid, "%s: nomad refuses the job: %s", doing, faults(body))
	}
	kind := service.ErrUnavailable
	switch code := answer.StatusCode(); {
	case strings.Contains(body, textDeploying):
		kind = service.ErrDeploying
	case strings.Contains(body, textIndex):
		kind = service.ErrConflict
	case strings.Contains(body, textBounds), strings.Contains(body, textMaxCount):
		kind = service.ErrInvalid
	case code == http.StatusNotFound:
		kind = service.ErrNotFound
	case code == http.StatusForbidden, code == http.StatusUnauthorized:
		kind = service.ErrDenied
	case code == http.StatusTooManyRequests:
		kind = service.ErrUnavailable
	case code >= 400 && code < 500:
		kind = service.ErrInvalid
	}
	return service.Errorf(kind, "%s: nomad says: %s", doing, body)
}

// unaddressed is what went wrong on the way to Nomad without where Nomad is:
// callers of a service that cannot be started read it, too.
func unaddressed(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	return err
}

// faults puts Nomad's nested list of faults on one line.
func faults(body string) string {
	var leaves []string
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "* "))
		if line != "" && !strings.HasSuffix(line, textFaults) {
			leaves = append(leaves, line)
		}
	}
	return strings.Join(leaves, "; ")
}

// nothingLogged reports whether err only says that a task has no output yet.
func nothingLogged(err error) bool {
	return err != nil && (strings.Contains(err.Error(), textNoLogs) || strings.Contains(err.Error(), textNoEntry))
}

// clean takes the wrappings off a driver's or downloader's message.
func clean(text string) string {
	for _, w := range wrappings {
		text = strings.ReplaceAll(text, w, "")
	}
	return strings.Join(strings.Fields(text), " ")
}

func containsAny(text string, parts []string) bool {
	text = strings.ToLower(text)
	for _, p := range parts {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}
