package nomad

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/service"
)

var streams = [...]string{"stdout", "stderr"}

const (
	// tailBytes is how much of a log's end is read to find its last lines in.
	tailBytes = 64 << 10
	// longestLine is cut: a log is for reading.
	longestLine = 64 << 10
	// joinEvery is how often a follower looks for instances that came or went.
	joinEvery = time.Second
)

// logSource is one stream of one task's output.
type logSource struct {
	alloc, task, stream string
	tail                int // last lines; 0: all
	follow              bool
}

// Logs emits what the program of a service printed, one call of emit at a time:
// of the instances that run or, where none does, of the last one that did. With
// Follow it goes on until ctx ends, and instances that start later join in.
func (c *Cluster) Logs(ctx context.Context, id service.ID, opts service.LogOptions, emit func(service.LogLine) error) error {
	allocs, err := c.allocationsOf(ctx, id)
	if err != nil {
		return err
	}
	if len(allocs) == 0 {
		if _, err := c.job(ctx, id); err != nil {
			return err
		}
	}
	var mu sync.Mutex
	serial := func(l service.LogLine) error {
		mu.Lock()
		defer mu.Unlock()
		return emit(l)
	}
	chosen := chooseAllocations(allocs, opts)
	placed := func(a *allocation) bool { return strings.HasPrefix(a.ID, opts.Alloc) }
	if opts.Alloc != "" && !opts.Follow && !slices.ContainsFunc(allocs, placed) { // one that has just been placed has printed nothing
		return service.Errorf(service.ErrNotFound, "%s has no instance %s", id, opts.Alloc)
	}
	if opts.Follow {
		return c.followLogs(ctx, id, chosen, opts, serial)
	}
	for _, a := range chosen {
		for _, stream := range streams {
			src := logSource{alloc: a.ID, task: appTask(a.TaskStates), stream: stream, tail: opts.Tail}
			if err := c.readLog(ctx, src, serial); err != nil {
				return err
			}
		}
	}
	return nil
}

// chooseAllocations returns, oldest first, those whose output is asked for.
func chooseAllocations(allocs []*allocation, opts service.LogOptions) []*allocation {
	slices.SortFunc(allocs, func(a, b *allocation) int { return int(a.CreateIndex) - int(b.CreateIndex) })
	var named, live []*allocation
	for _, a := range allocs {
		if len(a.TaskStates) == 0 || !strings.HasPrefix(a.ID, opts.Alloc) {
			continue
		}
		named = append(named, a)
		if newInstance(a).live() {
			live = append(live, a)
		}
	}
	switch {
	case opts.Alloc != "":
		return named
	case len(live) > 0:
		return live
	case len(named) > 0:
		return named[len(named)-1:]
	}
	return nil
}

// readLog emits one stream's lines, through the servers: dynsvc need not reach
// the node. A task that has not printed yet has no lines.
func (c *Cluster) readLog(ctx context.Context, src logSource, emit func(service.LogLine) error) error {
	region := int64(-1) // bytes at the start of what is read in which the last lines are
	params := url.Values{"task": {src.task}, "type": {src.stream}, "plain": {"true"}, "origin": {"start"}, "follow": {strconv.FormatBool(src.follow)}}
	if src.tail > 0 {
		size, err := c.logSize(ctx, src)
		if err != nil {
			return err
		}
		region = min(size, tailBytes)
		params.Set("origin", "end")
		params.Set("offset", strconv.FormatInt(region, 10))
	}
	body, err := c.openLog(ctx, src, params)
	if err != nil || body == nil {
		return err
	}
	defer body.Close()
	stop := context.AfterFunc(ctx, func() { _ = body.Close() })
	defer stop()

	// The lines within the region are held until it ends, then the last of them
	// are emitted; after it every line is, as it comes.
	var held []string
	release := func() error {
		for _, text := range held[max(0, len(held)-src.tail):] {
			if err := emit(service.LogLine{Alloc: src.alloc, Stream: src.stream, Text: text}); err != nil {
				return err
			}
		}
		held, region = nil, -1
		return nil
	}
	read := int64(0)
	r := bufio.NewReaderSize(body, longestLine)
	for {
		line, err := r.ReadSlice('\n')
		read += int64(len(line))
		if len(line) > 0 {
			text := strings.TrimRight(string(line), "\r\n")
			if region >= 0 && (read <= region || region == 0 && !src.follow) {
				held = append(held, text)
			} else if err := emit(service.LogLine{Alloc: src.alloc, Stream: src.stream, Text: text}); err != nil {
				return err
			}
		}
		ended := err != nil && !errors.Is(err, bufio.ErrBufferFull)
		if region >= 0 && (ended || read >= region) {
			if err := release(); err != nil {
				return err
			}
		}
		if ended {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("read log of %s: %w", src.alloc, err)
		}
	}
}

// openLog opens a stream. A nil body and no error: nothing was printed yet. A
// follower waits for the first output instead.
func (c *Cluster) openLog(ctx context.Context, src logSource, params url.Values) (io.ReadCloser, error) {
	client := c.calls
	if src.follow {
		client = c.stream
	}
	for {
		body, err := client.Raw().Response("/v1/client/fs/logs/"+src.alloc+"?"+params.Encode(), (&api.QueryOptions{}).WithContext(ctx))
		if err == nil {
			return body, nil
		}
		err = classify(err, "read log of "+src.alloc)
		if !nothingLogged(err) {
			return nil, err
		}
		if !src.follow {
			return nil, nil //nolint:nilnil // documented: no output is not an error, and the only caller asks
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(joinEvery):
		}
	}
}

// logSize is how many bytes of a stream are kept, over all its rotated files.
func (c *Cluster) logSize(ctx context.Context, src logSource) (int64, error) {
	q, cancel := c.query(ctx)
	defer cancel()
	var files []struct {
		Name string
		Size int64
	}
	_, err := c.calls.Raw().Query("/v1/client/fs/ls/"+src.alloc+"?path=alloc%2Flogs", &files, q)
	if isNotFound(classify(err, "")) {
		return 0, nil // the folder is made when the task starts
	}
	if err != nil {
		return 0, classify(err, "list logs of "+src.alloc)
	}
	size := int64(0)
	for _, f := range files {
		if strings.HasPrefix(f.Name, src.task+"."+src.stream+".") {
			size += f.Size
		}
	}
	return size, nil
}
