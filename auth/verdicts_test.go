package auth

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

func TestVerdictsAreBoundedAndKeepWhatIsAskedFor(t *testing.T) {
	const size = 320
	c := newVerdicts(size)
	now := time.Now()
	name := func(i int) hash { return hashOf(string(binary.BigEndian.AppendUint64(nil, uint64(i)))) }
	favourite := name(-1)
	c.put(favourite, verdict{caller: service.Caller{Name: "ada"}, until: now.Add(time.Hour)})
	for i := range 100 * size {
		c.put(name(i), verdict{until: now.Add(time.Hour)})
		if v, ok := c.get(favourite, now); !ok || v.caller.Name != "ada" {
			t.Fatalf("after %d others it is gone", i)
		}
	}
	total := 0
	for i := range c.shards {
		total += len(c.shards[i].young) + len(c.shards[i].old)
	}
	if total > size {
		t.Errorf("%d verdicts are kept, more than %d", total, size)
	}
	if _, ok := c.get(favourite, now.Add(time.Hour)); ok {
		t.Error("it is kept beyond its end")
	}
	if _, ok := c.get(favourite, now); ok {
		t.Error("it came back after its end")
	}
}
