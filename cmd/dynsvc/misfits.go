package main

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/singleflight"

	"github.com/dynsvc/dynsvc/kidl"
	"github.com/dynsvc/dynsvc/service"
)

// misfitsTold is how many misfits of one call are named.
const misfitsTold = 5

// interfaces checks calls against the interfaces of the versions that they are
// for. An interface is read with the first call that is checked, then kept.
type interfaces struct {
	load    func(ctx context.Context, v service.Version) (*kidl.Model, error)
	loading singleflight.Group

	mu    sync.RWMutex // guards known
	known map[service.ID]*kidl.Model
}

// interfacesKept bounds the interfaces in memory: an author's loop makes
// versions without end, and calls by the tag dev reach only the last of them.
const interfacesKept = 500

// misfits is what the gateway asks.
func (in *interfaces) misfits(ctx context.Context, v *service.Version, method string, params []byte) ([]string, error) {
	model, err := in.of(ctx, v)
	if err != nil {
		return nil, err
	}
	return misfits(model, v.Module+"."+method, params), nil
}

// misfits checks the params of a call, by position or by name. A method that the
// interface does not have is not its business.
func misfits(model *kidl.Model, method string, params []byte) []string {
	f, ok := model.Function(method)
	if !ok {
		return nil
	}
	check := f.FitParams
	if bytes.HasPrefix(params, []byte("{")) {
		check = f.FitNamedParams
	}
	var all []string
	for _, m := range check(params, misfitsTold) {
		all = append(all, m.String())
	}
	return all
}

func (in *interfaces) of(ctx context.Context, v *service.Version) (*kidl.Model, error) {
	in.mu.RLock()
	model := in.known[v.ID]
	in.mu.RUnlock()
	if model != nil {
		return model, nil
	}
	loaded, err, _ := in.loading.Do(string(v.ID), func() (any, error) {
		// Others wait for it as well, so it does not end with one caller.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
		defer cancel()
		return in.load(ctx, *v)
	})
	if err != nil {
		return nil, fmt.Errorf("read the interface of %s: %w", v.ID, err)
	}
	model = loaded.(*kidl.Model)
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.known == nil || len(in.known) >= interfacesKept {
		in.known = make(map[service.ID]*kidl.Model)
	}
	in.known[v.ID] = model
	return model, nil
}
