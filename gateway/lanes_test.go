package gateway_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// behindLane says that callers come in through package lane, as they do in an agent
// without TLS; else net/http meets them all.
var behindLane = true

// TestMain runs all tests twice, once for each way in. What looks into one thing, a
// fuzz target or a benchmark, runs once.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if code == 0 && !set("test.fuzz") && !set("test.bench") && !set("test.list") && !set("test.fuzzworker") {
		behindLane = false
		if !set("test.skip") { // no callers come in, or so many that once is enough
			_ = flag.Set("test.skip", "^(TestTheMachineUnderRandomEvents|TestTenThousandCallersOfColdServices|TestALargeUploadStreams)$") // it is a flag of this kind
		}
		_, _ = fmt.Fprintln(os.Stdout, "--- again, without the lane")
		code = m.Run()
	}
	os.Exit(code)
}

func set(name string) bool {
	f := flag.Lookup(name)
	return f != nil && f.Value.String() != f.DefValue
}
