package gateway_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// behindLane says that callers come in through package lane; else net/http meets them
// all.
var behindLane = true

// behindRelay says that callers come to an agent that does not lead.
var behindRelay bool

// relayed are the tests of what callers see, which is to be the same through a relay.
const relayed = "^(TestWhatAPathReaches|TestHeadersThatAServiceCanTrust|TestARequestIDIsMadeWhereTheCallersIsNotSane|TestDynServURLsReachTheServiceInEveryForm" +
	"|TestABodyArrivesByteForByte|TestACallKeepsItsHeadersAndBodyOnEveryWay|TestRangesAndEarlyHintsAndStatusesPass|TestALargeUploadStreams" +
	"|TestEventsAreFlushedOneByOne|TestWebSocketsPassAndCountAsInFlight|TestTwoWayStreamsPassOverHTTP2|TestTrailersPassInBothDirections" +
	"|TestABodyIsAskedForWhenItIsWanted|TestCallersBehindATrustedProxyAreToldApart|TestABrowserGetsAPageWhileTheServiceStarts" +
	"|TestAnEventStreamBeatsWhileTheServiceStarts|TestEachLimitEndsACallAndSaysSo|TestABodyThatDripsIsCutOff|TestAnIdleWebSocketIsClosed" +
	"|TestAnAnswerThatBreaksOffIsCutOffForTheCallerToo|TestACallerLearnsAtOnceThatItsUploadIsInVain|TestACallerWhoLeavesIsNoErrorAndCancelsTheCall" +
	"|TestAHeldCallerWhoLeavesFreesItsPlaceAndTheStartGoesOn|TestAThousandCallersOfAColdServiceCauseOneWake|TestSlowAndHugeRequestsAreSentAway)$"

// TestMain runs all tests twice, once for each way in, and what callers see once more
// through a relay. What looks into one thing, a fuzz target or a benchmark, runs once.
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
		if code == 0 && !set("test.run") {
			behindLane, behindRelay = true, true
			_ = flag.Set("test.skip", "") // as above
			_ = flag.Set("test.run", relayed)
			_, _ = fmt.Fprintln(os.Stdout, "--- again, through a relay")
			code = m.Run()
		}
	}
	os.Exit(code)
}

func set(name string) bool {
	f := flag.Lookup(name)
	return f != nil && f.Value.String() != f.DefValue
}
