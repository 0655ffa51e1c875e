package main

// verdict is what is to be said of a call.
type verdict struct {
	ok        bool
	rule      *rule  // that explains why it was not answered; nil: none does
	lost      bool   // there is no answer, or one without an execution, or there never will be a result
	doubled   bool   // it was executed twice, and may not be
	again     int    // further executions of a call that may run twice
	complaint string // what is wrong with it; empty: nothing
}

// bad is a call that the soak fails for.
func (v verdict) bad() bool { return v.complaint != "" }

// judge says what became of a call that was executed so often, by the instances
// that it was with.
func judge(r *record, executed []execution, passedTo string, happened []*fault) verdict {
	v := verdict{ok: r.outcome == good}
	if n := len(executed); n > 1 {
		if v.doubled = !idempotent[r.kind]; v.doubled {
			v.complaint = "executed twice"
			return v
		}
		v.again = n - 1
	}
	switch {
	case r.kind == submit: // its execution is counted with the job
	case v.ok && len(executed) == 0:
		v.ok, v.lost, v.complaint = false, true, "answered, and no instance has executed it"
		return v
	}
	if v.ok {
		return v
	}
	allocs := []string{passedTo}
	for _, e := range executed {
		allocs = append(allocs, e.alloc)
	}
	for _, f := range happened {
		for i := range rules {
			if rules[i].explains(f, r, allocs, len(executed)) {
				v.rule = &rules[i]
				return v
			}
		}
	}
	v.lost = r.outcome == late
	v.complaint = "unexplained"
	return v
}
