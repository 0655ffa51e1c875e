package service_test

import (
	"fmt"
	"testing"

	"github.com/dynsvc/dynsvc/service"
)

func TestASplitIsFairAndKeepsWhomItHad(t *testing.T) {
	const callers = 20_000
	for _, percent := range []int{1, 10, 50, 99} {
		small := service.Split{To: "dyn-echo-00000002", Percent: percent}
		large := service.Split{To: small.To, Percent: min(percent+7, 100)}
		other := service.Split{To: "dyn-echo-00000003", Percent: percent}
		taken, random, both := 0, 0, 0
		for i := range callers {
			value := fmt.Sprintf("user-%d", i)
			took := small.Takes(value)
			if took {
				taken++
				if !large.Takes(value) {
					t.Fatalf("%s is lost when %d grows to %d", value, percent, large.Percent)
				}
				if other.Takes(value) {
					both++
				}
			}
			if took != small.Takes(value) {
				t.Fatalf("%s goes here and there", value)
			}
			if small.Takes("") {
				random++
			}
		}
		want := callers * percent / 100
		near := func(what string, got, want int) {
			t.Helper()
			if got < want-want/5-20 || got > want+want/5+20 {
				t.Errorf("%d percent: %d %s, want about %d of %d", percent, got, what, want, callers)
			}
		}
		near("callers", taken, want)
		near("calls without a value", random, want)
		near("in two splits", both, taken*percent/100)
	}
}
