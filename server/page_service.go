package server

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/scheduler"
	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// servicePage is all about one service, for a person.
type servicePage struct {
	Detail
	URL       string // of this very version
	Program   string // of dynsvc
	Caller    service.Caller
	Fault     string    // why what was asked for was not done
	Siblings  []sibling // the module's other versions, newest first
	Functions []function
	Lines     []service.LogLine
	NoLines   string // why there are none
	Chart     *chart
	Policy    scheduler.Effective
	Methods   []MethodStats // of the last day, most called first
}

// function is a method with what its author wrote about it.
type function struct {
	service.Method
	Doc        string
	Parameters []string // their names
	Results    []string
}

// shownLines is how many of the last lines of each instance the page has.
const shownLines = 20

func (a *api) servicePage(ctx context.Context, id service.ID) (*servicePage, error) {
	detail, err := a.service(ctx, &ServiceRef{ID: id})
	if err != nil {
		return nil, err
	}
	p := &servicePage{Detail: detail.Body, Program: a.opts.Version, Caller: service.CallerOf(ctx)}
	if p.Siblings, err = a.siblings(ctx, p.Definition); err != nil {
		return nil, err
	}
	p.URL = a.callURL(p.Definition)
	if p.Functions, err = a.functions(ctx, p.Definition); err != nil {
		return nil, err
	}
	now := time.Now()
	if p.Chart, err = a.chart(ctx, id, p.Count, now); err != nil {
		return nil, err
	}
	if p.Policy, err = a.Engine.Effective(id); err != nil {
		return nil, err
	}
	if p.Methods, err = a.methodStats(ctx, p.Definition, now.Add(-chartSpan), now); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, logTimeout)
	defer cancel()
	err = a.Cluster.Logs(ctx, id, service.LogOptions{Tail: shownLines}, func(l service.LogLine) error {
		p.Lines = append(p.Lines, l)
		return nil
	})
	if err != nil {
		p.NoLines = err.Error() // the rest of the page is worth showing
	}
	return p, nil
}

// logTimeout keeps a node that does not answer from keeping the page.
const logTimeout = 3 * time.Second

// functions joins the settings of a version's methods with its interface.
func (a *api) functions(ctx context.Context, v service.Version) ([]function, error) {
	docs := map[string]function{}
	model, err := a.Catalog.Interface(ctx, v)
	if err != nil && !errors.Is(err, service.ErrNotFound) {
		return nil, err
	}
	if err == nil {
		for _, m := range model.Modules {
			for _, f := range m.Functions {
				d := function{Doc: strings.TrimSpace(f.Doc)}
				for _, p := range f.Parameters {
					d.Parameters = append(d.Parameters, p.Name)
				}
				for _, r := range f.Results {
					d.Results = append(d.Results, r.Name)
				}
				docs[f.Name] = d
			}
		}
	}
	all := make([]function, 0, len(v.Methods))
	for _, m := range v.Methods {
		f := docs[m.Name]
		f.Method = m
		all = append(all, f)
	}
	return all, nil
}

// input is a number that a decision was made from.
type input struct {
	Name  string
	Value float64
}

// inputs are those of a decision, by name.
func inputs(d service.Decision) []input {
	var all []input
	for _, name := range slices.Sorted(maps.Keys(d.Inputs)) {
		all = append(all, input{name, d.Inputs[name]})
	}
	return all
}

// methodStats is the usage of a version's methods, the most called first.
func (a *api) methodStats(ctx context.Context, v service.Version, since, until time.Time) ([]MethodStats, error) {
	samples, err := a.Store.Usage(ctx, store.UsageQuery{Services: []service.ID{v.ID}, Since: since, Until: until, Methods: true})
	if err != nil {
		return nil, err
	}
	list := make([]MethodStats, len(samples))
	for i := range samples {
		list[i] = MethodStats{Method: samples[i].Method, Version: v.Version, Service: v.ID, Figures: figures(&samples[i])}
	}
	slices.SortStableFunc(list, func(a, b MethodStats) int { return cmp.Compare(b.Calls, a.Calls) })
	return list, nil
}

// Instances are those that Nomad has placed, by index.
func (p *servicePage) Instances() []service.Endpoint {
	return slices.SortedFunc(slices.Values(p.State.Endpoints), func(a, b service.Endpoint) int { return cmp.Compare(a.Index, b.Index) })
}

// brief is a duration to what people tell apart.
func brief(d service.Duration) time.Duration {
	for _, unit := range []time.Duration{time.Minute, time.Second, time.Millisecond} {
		if d.Duration >= unit {
			return d.Round(unit / 100)
		}
	}
	return d.Round(time.Microsecond)
}

func ago(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return time.Since(t).Round(time.Second).String() + " ago"
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }
