package builds

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// The tasks of a run.
const (
	taskBuild = "build"
	taskPush  = "push"
)

// timedOut is what a task exits with when its time was up.
const timedOut = 124

// How Docker's two builders announce a step, and how a push tells what it pushed.
var (
	classicStep  = regexp.MustCompile(`^Step (\d+/\d+) : (.*)`)
	buildKitStep = regexp.MustCompile(`^#\d+ \[(?:\S+ )?(\d+/\d+)\] (.*)`)
	pushed       = regexp.MustCompile(`digest: (sha256:[0-9a-f]{64}) size: \d+`)
)

// mostLines is how many last lines a failure tells, and longestLine how much of each.
const (
	mostLines   = 8
	longestLine = 300
)

// transcript is what is remembered of what a build says.
type transcript struct {
	task   string // that spoke last
	part   string // of a line that has not ended
	step   string // "3/5, RUN make"; the last one that began
	digest string
	last   []string // lines since then
}

// add hears more of what a task says.
func (t *transcript) add(task string, text []byte) {
	if task != t.task {
		*t = transcript{task: task, step: t.step}
	}
	lines := strings.Split(t.part+string(text), "\n")
	t.part = lines[len(lines)-1]
	t.part = t.part[max(0, len(t.part)-(64<<10)):]
	for _, line := range lines[:len(lines)-1] {
		t.line(strings.TrimSpace(line))
	}
}

func (t *transcript) line(line string) {
	if t.task == taskPush {
		if m := pushed.FindStringSubmatch(line); m != nil {
			t.digest = m[1] // a build cannot say this for it: its output is another task's
		}
	}
	for _, announces := range []*regexp.Regexp{classicStep, buildKitStep} {
		if m := announces.FindStringSubmatch(line); m != nil && t.task == taskBuild {
			t.step, t.last = m[1]+", "+strings.TrimSpace(m[2]), nil
			return
		}
	}
	if line == "" {
		return
	}
	if t.last = append(t.last, clip(line)); len(t.last) > mostLines {
		t.last = t.last[1:]
	}
}

// lastLines are what was said last, each on a line of its own.
func (t *transcript) lastLines() string {
	lines := t.last
	if rest := strings.TrimSpace(t.part); rest != "" {
		lines = append(lines, clip(rest))
	}
	if len(lines) == 0 {
		return " nothing"
	}
	return "\n  " + strings.Join(lines, "\n  ")
}

func clip(line string) string {
	if len(line) > longestLine {
		return strings.ToValidUTF8(line[:longestLine], "") + "…"
	}
	return line
}

// explain says to a Dockerfile's author what a run's end means. limit is the time for
// all of a build.
func (t *transcript) explain(err error, limit time.Duration) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return service.Errorf(service.ErrUnavailable, "the image was not built within %s, the wait for a builder node included", limit)
	}
	f, ok := errors.AsType[*service.BatchError](err)
	if !ok {
		return err
	}
	switch {
	case f.Lost:
		return service.Errorf(service.ErrUnavailable, "the image was not built: %w: register it again", err)
	case f.Task == taskBuild && f.Exit == timedOut:
		return service.Errorf(service.ErrInvalid, "the image was not built in the time that the operator allows%s; what it said last:%s", t.atStep(), t.lastLines())
	case f.Task == taskBuild && t.step != "":
		return service.Errorf(service.ErrInvalid, "the Dockerfile failed%s (it %s); what it said last:%s", t.atStep(), f.Text, t.lastLines())
	case f.Task == taskBuild:
		return service.Errorf(service.ErrInvalid, "docker build failed before its first step (it %s):%s", f.Text, t.lastLines())
	case f.Task == taskPush && f.Exit == timedOut:
		return service.Errorf(service.ErrUnavailable, "the image was built, but not pushed in the time that the operator allows; what the push said last:%s", t.lastLines())
	case f.Task == taskPush:
		return service.Errorf(service.ErrUnavailable, "the image was built, but the registry did not take it (the push %s):%s", f.Text, t.lastLines())
	}
	return service.Errorf(service.ErrUnavailable, "the image was not built: %w", err)
}

func (t *transcript) atStep() string {
	if t.step == "" {
		return ""
	}
	return fmt.Sprintf(" at step %s", clip(t.step))
}

// untagged is an image's name without its tag.
func untagged(image string) string {
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		return image[:i]
	}
	return image
}
