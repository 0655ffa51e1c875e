package local

import (
	"bytes"
	"context"
	"io"
	"sync"

	"github.com/dynsvc/dynsvc/service"
)

// keptLines is how many lines of an instance's output are remembered.
const keptLines = 2000

// output remembers the last lines that an instance printed and wakes followers.
type output struct {
	mu      sync.Mutex
	lines   []service.LogLine // the last keptLines
	first   int               // number of lines[0], counted from the first ever printed
	changed chan struct{}     // closed and replaced at each change
	closed  bool
}

func newOutput() *output { return &output{changed: make(chan struct{})} }

func (o *output) add(stream, text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, service.LogLine{Stream: stream, Text: text})
	if over := len(o.lines) - keptLines; over > 0 {
		o.lines = o.lines[over:]
		o.first += over
	}
	close(o.changed)
	o.changed = make(chan struct{})
}

func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	close(o.changed)
	o.changed = make(chan struct{})
}

// since returns the kept lines from number n on, the number after them, and a
// channel that is closed when there is more; closed tells that there never will be.
func (o *output) since(n int) (lines []service.LogLine, next int, more <-chan struct{}, closed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n = max(n, o.first)
	return append(lines, o.lines[min(n-o.first, len(o.lines)):]...), o.first + len(o.lines), o.changed, o.closed
}

func (o *output) tail(n int) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var text []string
	for _, l := range o.lines[max(0, len(o.lines)-n):] {
		text = append(text, l.Text)
	}
	return text
}

// writer splits what it gets into lines.
func (o *output) writer(stream string) io.Writer { return &lineWriter{out: o, stream: stream} }

type lineWriter struct {
	out     *output
	stream  string
	partial []byte
}

// longestLine bounds what a program that never ends a line can make us keep.
const longestLine = 64 << 10

func (w *lineWriter) Write(p []byte) (int, error) {
	w.partial = append(w.partial, p...)
	for {
		i := bytes.IndexByte(w.partial, '\n')
		if i < 0 && len(w.partial) < longestLine {
			return len(p), nil
		}
		end, skip := i, i+1
		if i < 0 {
			end, skip = longestLine, longestLine
		}
		w.out.add(w.stream, string(bytes.TrimSuffix(w.partial[:end], []byte("\r"))))
		w.partial = w.partial[skip:]
	}
}

// Logs emits what the instances that run now have printed, instance by instance,
// and with Follow goes on, instances started later included, until ctx ends.
func (r *Runtime) Logs(ctx context.Context, id service.ID, opts service.LogOptions, emit func(service.LogLine) error) error {
	follow := make(map[*instance]int) // number of the next line
	for {
		instances, changed, err := r.instances(id, opts.Alloc)
		if err != nil {
			return err
		}
		wakes := []<-chan struct{}{changed}
		for _, in := range instances {
			next, known := follow[in]
			lines, after, more, _ := in.out.since(next)
			if !known && opts.Tail > 0 {
				lines = lastOf(lines, opts.Tail)
			}
			follow[in] = after
			for _, line := range lines {
				line.Alloc = in.alloc
				if err := emit(line); err != nil {
					return err
				}
			}
			wakes = append(wakes, more)
		}
		if !opts.Follow {
			return nil
		}
		if err := firstOf(ctx, wakes); err != nil {
			return nil //nolint:nilerr // the reader left, which is how following ends
		}
	}
}

// lastOf keeps the last n lines of each stream, in order.
func lastOf(lines []service.LogLine, n int) []service.LogLine {
	left := map[string]int{"stdout": n, "stderr": n}
	from := len(lines)
	kept := make([]bool, len(lines))
	for from > 0 {
		from--
		if left[lines[from].Stream] > 0 {
			left[lines[from].Stream]--
			kept[from] = true
		}
	}
	var last []service.LogLine
	for i, line := range lines {
		if kept[i] {
			last = append(last, line)
		}
	}
	return last
}
