package local

import (
	"context"
	"reflect"
	"slices"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// instances returns the running instances of a service whose id begins with
// prefix, and a channel that is closed when instances come or go.
func (r *Runtime) instances(id service.ID, prefix string) ([]*instance, <-chan struct{}, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	u, ok := r.units[id]
	if !ok {
		return nil, nil, service.Errorf(service.ErrNotFound, "no service %s", id)
	}
	chosen := slices.DeleteFunc(slices.Clone(u.instances), func(in *instance) bool { return !strings.HasPrefix(in.alloc, prefix) })
	return chosen, u.changed, nil
}

// firstOf waits for one of the channels or the end of ctx.
func firstOf(ctx context.Context, channels []<-chan struct{}) error {
	cases := []reflect.SelectCase{{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(ctx.Done())}}
	for _, c := range channels {
		cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(c)})
	}
	reflect.Select(cases)
	return ctx.Err()
}
