package kbase

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/dynsvc/dynsvc/store"
)

// execution is a job as the execution engine reports it. Its times are seconds.
type execution struct {
	User       string  `json:"user_id"`
	AppModule  string  `json:"app_module_name"`
	App        string  `json:"app_id"`
	FuncModule string  `json:"func_module_name"`
	Func       string  `json:"func_name"`
	Commit     string  `json:"git_commit_hash"`
	Created    float64 `json:"creation_time"`
	Started    float64 `json:"exec_start_time"`
	Finished   float64 `json:"finish_time"`
	Failed     truth   `json:"is_error"`
	Job        string  `json:"job_id"`
}

func seconds(t float64) time.Time {
	if t <= 0 || t > math.MaxInt32*16 {
		return time.Time{}
	}
	return time.UnixMilli(int64(t * 1000)).UTC()
}

func asSeconds(t time.Time) float64 { return float64(stamp(t)) / 1000 }

// logExecution is log_exec_stats.
func (f *Facade) logExecution(ctx context.Context, c *call) (any, error) {
	in, err := argument[execution](c, 0)
	if err != nil {
		return nil, err
	}
	return nothing{}, f.Store.AddExecution(ctx, store.Execution{
		Job: in.Job, Who: in.User, AppModule: in.AppModule, App: in.App, FuncModule: in.FuncModule, Func: in.Func, Commit: in.Commit,
		Created: seconds(in.Created), Started: seconds(in.Started), Ended: seconds(in.Finished), Failed: bool(in.Failed),
	})
}

// usage adds up the executions of one app.
type usage struct {
	App    string  `json:"full_app_id"`
	Module string  `json:"module_name"`
	Type   string  `json:"type"` // a: all the time, w: one week
	Range  string  `json:"time_range"`
	Calls  int     `json:"number_of_calls"`
	Errors int     `json:"number_of_errors"`
	Queued float64 `json:"total_queue_time"`
	Ran    float64 `json:"total_exec_time"`
}

func fullApp(e store.Execution) string {
	if e.AppModule == "" || e.App == "" {
		return cmp.Or(e.App, e.FuncModule+"/"+e.Func)
	}
	return e.AppModule + "/" + e.App
}

// aggregate is get_exec_aggr_stats.
func (f *Facade) aggregate(ctx context.Context, c *call) (any, error) {
	in, err := argument[struct {
		Apps    []string `json:"full_app_ids"`
		PerWeek truth    `json:"per_week"`
	}](c, 0)
	if err != nil {
		return nil, err
	}
	sums := map[[2]string]*usage{}
	err = f.Store.Executions(ctx, time.Time{}, forever, func(e store.Execution) error {
		id := fullApp(e)
		if len(in.Apps) > 0 && !slices.Contains(in.Apps, id) {
			return nil
		}
		u := usage{App: id, Module: cmp.Or(e.AppModule, e.FuncModule), Type: "a", Range: "*"}
		if in.PerWeek {
			year, week := e.Created.ISOWeek()
			u.Type, u.Range = "w", fmt.Sprintf("%d-W%d", year, week)
		}
		key := [2]string{u.App, u.Range}
		if sums[key] == nil {
			sums[key] = &u
		}
		s := sums[key]
		s.Calls++
		if e.Failed {
			s.Errors++
		}
		s.Queued += max(0, e.Started.Sub(e.Created).Seconds())
		s.Ran += max(0, e.Ended.Sub(e.Started).Seconds())
		return nil
	})
	all := []usage{}
	for _, s := range sums {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b usage) int { return cmp.Or(cmp.Compare(a.App, b.App), cmp.Compare(a.Range, b.Range)) })
	return all, err
}

var forever = time.UnixMilli(math.MaxInt64)

// span is the time that a report is about; its ends are seconds.
func span(c *call) (from, to time.Time, err error) {
	in, err := argument[struct {
		Begin float64 `json:"begin"`
		End   float64 `json:"end"`
	}](c, 0)
	to = seconds(in.End)
	if to.IsZero() {
		to = forever
	}
	return seconds(in.Begin), to, err
}

// table is get_exec_aggr_table: how often each user ran what.
func (f *Facade) table(ctx context.Context, c *call) (any, error) {
	from, to, err := span(c)
	if err != nil {
		return nil, err
	}
	type row struct {
		User   string `json:"user"`
		App    string `json:"app"`
		Module string `json:"func_mod"`
		Func   string `json:"func"`
		N      int    `json:"n"`
	}
	counts := map[row]int{}
	err = f.Store.Executions(ctx, from, to, func(e store.Execution) error {
		counts[row{User: e.Who, App: fullApp(e), Module: e.FuncModule, Func: e.Func}]++
		return nil
	})
	all := []row{}
	for r, n := range counts {
		r.N = n
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.App, b.App), cmp.Compare(a.Module, b.Module), cmp.Compare(a.Func, b.Func))
	})
	return all, err
}

// rawExecutions is get_exec_raw_stats.
func (f *Facade) rawExecutions(ctx context.Context, c *call) (any, error) {
	from, to, err := span(c)
	if err != nil {
		return nil, err
	}
	all := []execution{}
	err = f.Store.Executions(ctx, from, to, func(e store.Execution) error {
		all = append(all, execution{User: e.Who, AppModule: e.AppModule, App: e.App, FuncModule: e.FuncModule, Func: e.Func,
			Commit: e.Commit, Created: asSeconds(e.Created), Started: asSeconds(e.Started), Finished: asSeconds(e.Ended),
			Failed: truth(e.Failed), Job: e.Job})
		return nil
	})
	return all, err
}
