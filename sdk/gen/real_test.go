package gen_test

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// realURL names the variable with the URL of an agent that runs the module
// Everything as testdata/drivers/served has it. The end-to-end tests set it and
// run the tests of the clients: these then call that service.
const realURL = "DYNSVC_TEST_URL"

// realSteps are the steps that do not need a server that misbehaves on purpose,
// and what they print where it is not what they print of the fake.
var realSteps = map[string]string{
	"echo_record": "", "echo_record_full": "", "echo_words": "", "echo_hard": "", "echo_types": "", "echo_scalars": "",
	"echo_any": "", "echo_any_text": "", "echo_lists": "", "echo_lists_nil": "", "echo_rows": "", "echo_tuple": "",
	"echo_empty": "", "echo_reference": "", "count": "", "forget": "", "nothing": "", "unnamed": "", "middle": "",
	"import": "", "close": "",
	"fail": `{"error": "rpc", "code": 17, "name": "JSONRPCError", "message": "it's \"wrong\"", "data": "", "status": 500, "request_id": true}`,

	// Asynchronous.
	"run_pair": "", "run_nothing": "", "run_count": "", "job_id": "", "job_done": `"failed"`,
	"run_slow": `{"error": "rpc", "code": -32000, "name": "failed", "message": "not here", "data": "", "status": 200, "request_id": false}`,
}

// driveReal holds what a driver has printed of a real service against the steps.
func driveReal(t *testing.T, url string, got map[string]any) {
	t.Helper()
	want := map[string]any{}
	for step, text := range realSteps {
		if text == "" {
			text = steps[step]
		}
		want[step] = decoded(t, step, text)
	}
	maps.DeleteFunc(got, func(step string, _ any) bool { _, there := realSteps[step]; return !there })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("of %s the driver prints (+) what differs from the steps (-):\n%s", url, diff)
	}
}
