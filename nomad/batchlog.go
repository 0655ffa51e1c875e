package nomad

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"

	"github.com/hashicorp/nomad/api"
)

// batchLogLimit is how much of a task's output is read, in bytes: less than a file of
// Nomad's grows, so that what is read on from has not been rotated away.
const batchLogLimit = 16 << 20

// readOn emits what a task has printed since the last look, through the servers. Both
// of its streams are one: the jobs that are followed join them.
func (f *batchFollower) readOn(ctx context.Context, alloc, name string) (err error) {
	at := f.read[name]
	if at >= batchLogLimit {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, f.cluster.opts.Timeout)
	defer cancel()
	params := url.Values{"task": {name}, "type": {"stdout"}, "plain": {"true"}, "origin": {"start"}, "offset": {strconv.FormatInt(at, 10)}}
	body, err := f.cluster.calls.Raw().Response("/v1/client/fs/logs/"+alloc+"?"+params.Encode(), (&api.QueryOptions{}).WithContext(ctx))
	if err = classify(err, "read the log of "+name); nothingLogged(err) || isNotFound(err) {
		return nil // it has not printed yet
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	text, err := io.ReadAll(io.LimitReader(body, batchLogLimit-at))
	f.read[name] = at + int64(len(text))
	if len(text) > 0 {
		if err := f.emit(name, text); err != nil {
			return err
		}
	}
	if f.read[name] >= batchLogLimit {
		return f.emit(name, fmt.Appendf(nil, "\n… what %s says after %d MiB is left out\n", name, batchLogLimit>>20))
	}
	return classify(err, "read the log of "+name)
}
