// The driver of the Go client.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"driver/everything"
)

var ctx = context.Background()

// step prints what came of a step: its values and, last, its error.
func step(name string, values ...any) {
	last := len(values) - 1
	err, failed := values[last].(error)
	values = values[:last]
	var value any = values
	switch {
	case failed:
		value = described(err)
	case last == 0:
		value = nil
	case last == 1:
		value = values[0]
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s\t%s\n", name, text)
}

func described(err error) any {
	var rpc *everything.RPCError
	var transport *everything.TransportError
	switch {
	case errors.Is(err, everything.ErrCancelled), errors.Is(err, context.Canceled):
		return map[string]any{"error": "cancelled"}
	case errors.As(err, &rpc):
		return map[string]any{
			"error": "rpc", "code": rpc.Code, "name": rpc.Name, "message": rpc.Message, "data": rpc.Data,
			"status": rpc.Status, "request_id": rpc.RequestID != "",
		}
	case errors.As(err, &transport) && transport.Timeout():
		return map[string]any{"error": "timeout"}
	case errors.As(err, &transport):
		return map[string]any{"error": "transport", "status": transport.Status}
	}
	return err.Error()
}

func client(o everything.Options) *everything.Client {
	if o.Token == "" {
		o.Token = "secret"
	}
	c, err := everything.New(o)
	if err != nil {
		panic(err)
	}
	return c
}

// count calls count with other options than usual.
func count(name string, o everything.Options) {
	n, err := client(o).Count(ctx)
	step(name, n, err)
}

func record() everything.Record {
	return everything.Record{
		Number: -1234567890123, Fraction: 0.25, Text: "\"q\" \\ \n ünïcode 试验 </script>",
		Any:     json.RawMessage(`{"a": [1, null, "x", {"b": true}], "empty": {}}`),
		Strings: []string{"a"}, Matrix: [][]float64{{1.5, -2}, {}},
		Labels: map[string]string{"k-1": "v"}, Groups: map[string][]everything.Inner{"1": {{Name: "n", Good: 1}}},
		Nested: map[string]map[string]everything.Region{"a": {"b": {ID: "s", Start: 1, End: 2}}},
		Pair:   everything.RecordPair{Name: "p", Count: 2},
		Pairs:  []everything.RecordPairsItem{{E1: "x", E2: everything.Inner{Name: "y"}}},
		Region: everything.Region{ID: "s1", Start: 10, End: 20}, Inner: everything.Inner{Name: "in", Good: 1},
		Lengths: everything.Lengths{"s1": 5}, Reference: everything.Reference{Workspace: "w", ObjectID: 7},
	}
}

func full() everything.Record {
	r := record()
	r.Maybe, r.MaybeNumber, r.MaybeFlag = new(""), new(int64(0)), new(int64(1))
	r.MaybeList, r.MaybeMap = []string{}, map[string]float64{"a": 0.5}
	r.MaybeInner, r.MaybeRegion = &everything.Inner{}, &everything.Region{ID: "s2"}
	r.MaybeAny, r.Class = json.RawMessage(`[1]`), new("c")
	return r
}

func main() {
	c := client(everything.Options{})
	calls(c)
	faults()
	jobs(c)
	if len(os.Args) > 1 {
		panic("no arguments are expected")
	}
}

func calls(c *everything.Client) {
	r, err := c.EchoRecord(ctx, record())
	step("echo_record", r, err)
	r, err = c.EchoRecord(ctx, full())
	step("echo_record_full", r, err)
	w, err := c.EchoWords(ctx, everything.Words{
		Class: "1", Def: "2", Func: "3", Function: "4", Import: "5", From: "6", Type: "7", Interface: "8", Package: "9",
		Return: "10", Self: "11", This: "12", New: "13", Default: "14", In: "15", Is: "16", Lambda: "17", My: "18",
		Sub: "19", Next: "20", Repeat: "21", HashCode: "22", None: new("23"),
	})
	step("echo_words", w, err)
	h, err := c.EchoHard(ctx, everything.Hard{
		FooBar: "1", FooBar2: "2", FooBar3: "3", FooBar4: "4", FooBar5: "5", URL: "6", GenomeID: "7", X1y2: "8",
	})
	step("echo_hard", h, err)
	t, err := c.EchoTypes(ctx, everything.EverythingClient{ID: "c"}, everything.EverythingJob{ID: "j"}, "s",
		everything.List{{ID: "l"}}, everything.Error{Message: "m"})
	step("echo_types", t.Return1, t.Return2, t.Return3, t.Return4, t.Return5, err)
	s, err := c.EchoScalars(ctx, 1234567890123, 0.5, "it's", 1)
	step("echo_scalars", s.I, s.F, s.S, s.B, err)
	value, err := c.EchoAny(ctx, json.RawMessage(`{"deep": [1, 2.5, {"x": null}], "list": []}`))
	step("echo_any", value, err)
	value, err = c.EchoAny(ctx, json.RawMessage(`"text"`))
	step("echo_any_text", value, err)
	l, err := c.EchoLists(ctx, []string{"one"}, [][]int64{{1, 2}, {}}, map[string][]float64{"x": {0.5}, "y": {}})
	step("echo_lists", l.Strings, l.Rows, l.Columns, err)
	l, err = c.EchoLists(ctx, nil, nil, nil)
	step("echo_lists_nil", l.Strings, l.Rows, l.Columns, err)
	rows, err := c.EchoRows(ctx, []everything.Row{
		{E1: "a", E2: 1, Class: 0.5, Regions: []everything.Region{{ID: "s", Start: 1, End: 2}, {ID: "t", Start: 3, End: 4}}},
		{E1: "b", E2: 2, Class: 1.5},
	})
	step("echo_rows", rows, err)
	pair, err := c.EchoTuple(ctx, everything.EchoTuplePair{E1: "n", Inner: everything.Inner{Name: "i", Good: 1}})
	step("echo_tuple", pair, err)
	e, err := c.EchoEmpty(ctx, everything.Empty{})
	step("echo_empty", e, err)
	ref, err := c.EchoReference(ctx, everything.Reference{Workspace: "w", ObjectID: 9007199254740991})
	step("echo_reference", ref, err)
	count("count", everything.Options{})
	step("forget", c.Forget(ctx, "it"))
	step("nothing", c.Nothing(ctx))
	u, err := c.Unnamed(ctx, 1, 2, "x", everything.Inner{Name: "i"}, nil)
	step("unnamed", u.Return1, u.Return2, err)
	region, err := c.Middle(ctx, []everything.Region{{ID: "l"}, {ID: "m", Start: 5, End: 6}, {ID: "r"}})
	step("middle", region, err)
	text, err := c.Import(ctx, "a", "b", "c", "d", 5)
	step("import", text, err)
	text, err = c.Close(ctx, "a", "b", "c", "d", "e", "f")
	step("close", text, err)
	text, err = c.Whoami(ctx)
	step("whoami", text, err)
	count("version", everything.Options{Version: ">=1.0 <2/x"})
	r, err = c.Slow(ctx, 0, "")
	step("slow_sync", r, err)
}

func faults() {
	_, err := client(everything.Options{}).Fail(ctx, 17, `it's "wrong"`)
	step("fail", err)
	nobody, err := everything.New(everything.Options{})
	if err != nil {
		panic(err)
	}
	_, err = nobody.Whoami(ctx)
	step("whoami_nobody", err)
	count("nowhere", everything.Options{Version: "nowhere"})
	_, err = client(everything.Options{Version: "nowhere"}).SubmitSlowNothing(ctx, 1)
	step("nowhere_job", err)
	count("full", everything.Options{Version: "full"})
	count("html", everything.Options{Version: "html"})
	count("moved", everything.Options{Version: "moved"})
	count("liar", everything.Options{Version: "liar"})
	count("stuck", everything.Options{Version: "stuck", Timeout: time.Second / 2})
	count("closed", everything.Options{URL: os.Getenv("CLOSED_URL"), RetryFor: time.Second / 2})

	count("busy", everything.Options{Version: "busy"})
	count("broken", everything.Options{Version: "broken"})
	count("idempotent", everything.Options{Version: "broken-idempotent", Idempotent: []string{"count"}})
}

func jobs(c *everything.Client) {
	var told []float64
	r, err := c.RunSlow(ctx, 3, "", func(s everything.JobStatus) {
		if s.Progress != nil {
			told = append(told, *s.Progress)
		}
	})
	step("run_slow", r, err)
	rising := len(told) > 0
	for i := range told {
		rising = rising && (i == 0 || told[i] >= told[i-1])
	}
	step("run_progress", rising, nil)
	p, err := c.RunSlowPair(ctx, 1)
	step("run_pair", p.Return1, p.Return2, err)
	step("run_nothing", c.RunSlowNothing(ctx, 1))
	n, err := c.RunCount(ctx)
	step("run_count", n, err)

	job, err := c.SubmitSlow(ctx, 1, "")
	if err != nil {
		panic(err)
	}
	step("job_id", job.ID() != "", nil)
	r, err = job.Wait(ctx)
	step("job_wait", r, err)
	r, err = job.Wait(ctx)
	step("job_again", r, err)
	state, err := job.Check(ctx)
	step("job_done", state.State, err)
	r, err = everything.OpenJob[everything.Record](c, job.ID()).Wait(ctx)
	step("job_reopened", r, err)

	job, err = c.SubmitSlow(ctx, 1, "hold")
	if err != nil {
		panic(err)
	}
	state, err = job.Check(ctx)
	step("job_running", !state.Finished(), err)
	short, stop := context.WithTimeout(ctx, 300*time.Millisecond)
	defer stop()
	_, err = job.Wait(short)
	step("job_timeout", err)
	if err := job.Cancel(ctx); err != nil {
		panic(err)
	}
	_, err = job.Wait(ctx)
	step("job_cancel", err)

	_, err = c.RunSlow(ctx, 1, "fail")
	step("job_failed", err)
	_, err = c.RunSlow(ctx, 1, "die")
	step("job_dead", err)
	p, err = client(everything.Options{Version: "broken-job"}).RunSlowPair(ctx, 1)
	step("job_broken", p.Return1, p.Return2, err)

	given, up := context.WithCancel(ctx)
	time.AfterFunc(300*time.Millisecond, up)
	_, err = client(everything.Options{Version: "stopped"}).RunSlow(given, 1, "hold")
	step("run_stopped", err)
}
