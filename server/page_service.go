package server

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// servicePage is all about one service, for a person.
type servicePage struct {
	Detail
	URL       string // of this very version
	Program   string // of dynsvc
	Functions []function
	Lines     []service.LogLine
	NoLines   string // why there are none
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
	p := &servicePage{Detail: detail.Body, Program: a.opts.Version}
	p.URL = a.callURL(p.Definition)
	if p.Functions, err = a.functions(ctx, p.Definition); err != nil {
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

// Inputs are those of the last decision, by name.
func (p *servicePage) Inputs() []input {
	if len(p.Decisions) == 0 {
		return nil
	}
	var all []input
	for _, name := range slices.Sorted(maps.Keys(p.Decisions[0].Inputs)) {
		all = append(all, input{name, p.Decisions[0].Inputs[name]})
	}
	return all
}

// Instances are those that Nomad has placed, by index.
func (p *servicePage) Instances() []service.Endpoint {
	return slices.SortedFunc(slices.Values(p.State.Endpoints), func(a, b service.Endpoint) int { return cmp.Compare(a.Index, b.Index) })
}

func ago(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return time.Since(t).Round(time.Second).String() + " ago"
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }
