package consul

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/consul/api"

	"github.com/dynsvc/dynsvc/service"
)

// ours begins the description of every source that dynsvc wrote. All others are
// an operator's and are never touched.
const ours = "dynsvc: "

const intentionTries = 5

// Allow lets the gateway, and nothing else, call a service: its intention
// allows [GatewayName] and denies everyone (*), so it holds whatever Consul's
// own default and wildcard intentions say. An operator's sources in it stay as
// they are and go before that; one that denies the gateway is an error.
//
// It is to be called before the service can run, and costs one read when
// nothing is to be done.
func (c *Client) Allow(ctx context.Context, id service.ID) error {
	return c.edit(ctx, "allow the gateway to call "+string(id), id, merge)
}

// Forget takes back what Allow wrote. An operator's sources stay.
func (c *Client) Forget(ctx context.Context, id service.ID) error {
	return c.edit(ctx, "forget the intention of "+string(id), id, strip)
}

// EnsureIntentions makes sure that Allow holds for all of the services, with
// one read for all that are in order. It warns when Consul lets any service
// call any other by default, which is how the rest of the mesh stands then.
func (c *Client) EnsureIntentions(ctx context.Context, ids []service.ID) error {
	q, _, cancel := within(ctx)
	defer cancel()
	entries, _, err := c.api.ConfigEntries().List(api.ServiceIntentions, q)
	if err != nil {
		return c.explain("list intentions", err)
	}
	have := make(map[service.ID]*api.ServiceIntentionsConfigEntry, len(entries))
	for _, entry := range entries {
		if e, ok := entry.(*api.ServiceIntentionsConfigEntry); ok {
			have[service.ID(e.Name)] = e
		}
	}
	var faults []error
	for _, id := range ids {
		if e, ok := have[id]; ok {
			if changed, err := merge(e); err == nil && !changed {
				continue
			}
		}
		if err := c.Allow(ctx, id); err != nil {
			faults = append(faults, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	if open, err := c.openByDefault(); err != nil {
		c.log.Warn("did not learn what consul allows by default", "error", err)
	} else if open {
		c.log.Warn("consul lets every service call every other by default",
			"reason", "dynsvc closes its own services by intentions; for the others set default_intention_policy or acl.default_policy to deny")
	}
	return errors.Join(faults...)
}

// openByDefault asks the agent what its proxies ask it: whether a service that
// nobody has heard of may call one that no intention of ours protects. The
// endpoint made for such questions, /connect/intentions/check, does not know of
// default_intention_policy in Consul 1.22.
func (c *Client) openByDefault() (bool, error) {
	verdict, err := c.api.Agent().ConnectAuthorize(&api.AgentAuthorizeParams{
		Target:           GatewayName, // our token may ask for this one
		ClientCertURI:    "spiffe://any.consul/ns/default/dc/any/svc/dynsvc-nobody",
		ClientCertSerial: "00",
	})
	if err != nil {
		return false, c.explain("check the default intention", err)
	}
	return verdict.Authorized, nil
}

// edit reads a service's intention, changes it and writes it back if nobody
// else did in between; otherwise it begins anew.
func (c *Client) edit(ctx context.Context, doing string, id service.ID, change func(*api.ServiceIntentionsConfigEntry) (bool, error)) error {
	for range intentionTries {
		done, err := c.tryEdit(ctx, doing, id, change)
		if done || err != nil {
			return err
		}
	}
	return service.Errorf(service.ErrConflict, "%s: others kept changing it; try again", doing)
}

func (c *Client) tryEdit(ctx context.Context, doing string, id service.ID, change func(*api.ServiceIntentionsConfigEntry) (bool, error)) (done bool, err error) {
	q, w, cancel := within(ctx)
	defer cancel()
	entry, err := c.intention(id, q)
	if err != nil {
		return false, c.explain(doing, err)
	}
	changed, err := change(entry)
	if err != nil {
		return false, fmt.Errorf("%s: %w", doing, err)
	}
	if !changed {
		return true, nil
	}
	if len(entry.Sources) == 0 { // Consul does not take an entry without sources
		done, _, err = c.api.ConfigEntries().DeleteCAS(api.ServiceIntentions, entry.Name, entry.ModifyIndex, w)
	} else {
		done, _, err = c.api.ConfigEntries().CAS(entry, entry.ModifyIndex, w)
	}
	if err != nil {
		return false, c.explain(doing, err)
	}
	return done, nil
}

// intention returns a service's entry; where there is none, an empty one whose
// index makes the write fail if someone creates it meanwhile.
func (c *Client) intention(id service.ID, q *api.QueryOptions) (*api.ServiceIntentionsConfigEntry, error) {
	entry, _, err := c.api.ConfigEntries().Get(api.ServiceIntentions, string(id), q)
	if absent(err) {
		return &api.ServiceIntentionsConfigEntry{Kind: api.ServiceIntentions, Name: string(id)}, nil
	}
	if err != nil {
		return nil, err
	}
	e, ok := entry.(*api.ServiceIntentionsConfigEntry)
	if !ok {
		return nil, fmt.Errorf("the entry %s is of kind %s", id, entry.GetKind())
	}
	return e, nil
}

// merge adds our sources to an entry and repairs them. An operator's stay.
func merge(entry *api.ServiceIntentionsConfigEntry) (changed bool, err error) {
	for _, want := range []*api.SourceIntention{
		{Name: GatewayName, Action: api.IntentionActionAllow, Type: api.IntentionSourceConsul, Description: ours + "calls come through the gateway"},
		{Name: "*", Action: api.IntentionActionDeny, Type: api.IntentionSourceConsul, Description: ours + "nothing else gets in"},
	} {
		i := slices.IndexFunc(entry.Sources, func(s *api.SourceIntention) bool { return local(s) && s.Name == want.Name })
		switch {
		case i < 0:
			entry.Sources = append(entry.Sources, want)
			changed = true
		case strings.HasPrefix(entry.Sources[i].Description, ours):
			if entry.Sources[i].Action != want.Action || len(entry.Sources[i].Permissions) > 0 {
				entry.Sources[i] = want
				changed = true
			}
		case want.Name == GatewayName && entry.Sources[i].Action == api.IntentionActionDeny:
			return false, service.Errorf(service.ErrConflict,
				"an operator's intention denies %s the service %s: remove it (consul intention delete %[1]s %[2]s) or retire the service", GatewayName, entry.Name)
		}
	}
	return changed, nil
}

// strip takes our sources out of an entry.
func strip(entry *api.ServiceIntentionsConfigEntry) (changed bool, err error) {
	before := len(entry.Sources)
	entry.Sources = slices.DeleteFunc(entry.Sources, func(s *api.SourceIntention) bool {
		return local(s) && strings.HasPrefix(s.Description, ours)
	})
	return len(entry.Sources) != before, nil
}

// local tells a source that can be ours from one in another cluster, partition
// or namespace.
func local(s *api.SourceIntention) bool {
	return s.Peer == "" && s.SamenessGroup == "" &&
		(s.Partition == "" || s.Partition == "default") && (s.Namespace == "" || s.Namespace == "default")
}
