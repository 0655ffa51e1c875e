package nomad

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/service"
)

// eventTemplate is the event of a task that waits for what its templates read.
// The API client has no name for it.
const eventTemplate = "Template"

// diagnose says why the program of an allocation does not run, and which task is
// to blame. It is nil while the program runs or nothing went wrong yet.
func diagnose(a *allocation) (*service.Failure, string) {
	var worst *service.Failure
	var blamed string
	for _, name := range slices.Sorted(maps.Keys(a.TaskStates)) {
		state := a.TaskStates[name]
		if state.State == "running" || (state.State == "dead" && !state.Failed && a.ClientStatus != api.AllocClientStatusFailed) {
			continue
		}
		f := diagnoseTask(name, state)
		if f == nil {
			continue
		}
		// The task that failed first took the others with it.
		if worst == nil || f.At.Before(worst.At) {
			worst, blamed = f, name
		}
	}
	if worst == nil && a.ClientStatus == api.AllocClientStatusFailed {
		text := "the instance failed"
		if a.ClientDescription != "" {
			text += ": " + clean(a.ClientDescription)
		}
		worst = &service.Failure{Cause: service.Exited, Text: text, At: time.Unix(0, a.ModifyTime)}
	}
	if worst != nil {
		worst.Alloc = a.ID
	}
	return worst, blamed
}

// diagnoseTask reads the events of a task backwards to what last went wrong.
func diagnoseTask(name string, state *taskState) *service.Failure {
	for i, e := range slices.Backward(state.Events) {
		f := &service.Failure{At: e.at()}
		switch e.Type {
		case api.TaskTerminated:
			f.Cause = service.Exited
			f.Text = subject(name) + " " + ending(e, state.Events[:i])
		case api.TaskDriverFailure:
			message := clean(detail(e, "driver_error"))
			if containsAny(message, textsPull) {
				f.Cause = service.BadImage
				f.Text = fmt.Sprintf("the image%s cannot be had: %s", ofSidecar(name), message)
				f.Final = containsAny(message, textsNoImage)
			} else {
				f.Cause = service.Exited
				f.Text = fmt.Sprintf("%s could not be started: %s", subject(name), message)
				f.Final = containsAny(message, textsNoProgram)
			}
		case api.TaskArtifactDownloadFailed:
			message := clean(detail(e, "download_error"))
			f.Cause = service.BadImage
			f.Text = "the artifact cannot be had: " + message
			f.Final = containsAny(message, textsBadArtifact)
		case api.TaskSetupFailure:
			f.Cause = service.Rejected
			f.Text = fmt.Sprintf("%s could not be set up: %s", subject(name), clean(detail(e, "setup_error")))
		case api.TaskFailedValidation:
			f.Cause = service.Rejected
			f.Final = true
			f.Text = fmt.Sprintf("%s is not valid on its node: %s", subject(name), clean(detail(e, "validation_error")))
		case eventTemplate:
			f.Cause = service.Rejected
			f.Text = fmt.Sprintf("%s waits for a value: %s", subject(name), clean(cmp.Or(e.DisplayMessage, e.Message)))
		case api.TaskSiblingFailed, api.TaskLeaderDead, api.TaskStarted, api.TaskKilling:
			return nil // not this task's fault, or it got further than what went wrong before
		default:
			continue
		}
		return f
	}
	return nil
}

// subject names a task for a person who knows the module, not Nomad.
func subject(name string) string {
	switch {
	case name == task:
		return "the program"
	case strings.HasPrefix(name, portMesh):
		return "the Connect sidecar"
	}
	return fmt.Sprintf("the task %q", name)
}

func ofSidecar(name string) string {
	if strings.HasPrefix(name, portMesh) {
		return " of the Connect sidecar"
	}
	return ""
}

// ending says how a task ended and how long it had run.
func ending(e *taskEvent, before []*taskEvent) string {
	took := ""
	for _, b := range slices.Backward(before) {
		if b.Type == api.TaskStarted {
			took = " after " + lasted(e.at().Sub(b.at()))
			break
		}
	}
	code, signal := detail(e, "exit_code"), detail(e, "signal")
	switch {
	case detail(e, "oom_killed") == "true":
		return "was killed" + took + " because it used more memory than it may"
	case signal != "" && signal != "0":
		return "was ended by signal " + signal + took
	}
	text := "exited with code " + code + took
	if m := clean(detail(e, "exit_message")); m != "" && !strings.Contains(m, "exit code") {
		text += ": " + m
	}
	return text
}

// lasted is 0.2 s, 12 s or 3m5s: as exact as it helps.
func lasted(d time.Duration) string {
	switch {
	case d < 100*time.Millisecond:
		return strconv.FormatInt(max(0, d.Milliseconds()), 10) + " ms"
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	}
	return d.Round(time.Second).String()
}

// detail is a field of an event, which old events carry in their message only.
func detail(e *taskEvent, key string) string {
	if v := e.Details[key]; v != "" {
		return v
	}
	if strings.HasSuffix(key, "_error") {
		if e.DisplayMessage != "" {
			return e.DisplayMessage
		}
		return e.Message
	}
	return ""
}
