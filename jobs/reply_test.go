package jobs_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/jobs"
)

var replies = []string{
	`{"result": [1.50, "a\"]}\\"], "id": 1}`, `{"id": {"result": [3]}, "result": [{"a": [[]]}]}`, ` { "result" : null } `,
	`{"error": {"code": 1, "message": "no", "error": "x"}, "result": [1]}`, `{"error": null, "result": []}`, `{"\u0072esult": ["\u00e9"]}`,
	`{"id": 1}`, `{}`, `[]`, ``, `{"result": [1}`, `{"result": [1`, `{"result": "a`, `{"result": 12`, `{"result" 1}`, `{result: 1}`, `{"error": 5}`,
	`{"result": [1],}`, `{"result": }`, `{"a": "b", "result": {"x": "}"}}`, `{"result": true, "error": null}`,
	`{"error": {}, "result": []}`,
}

// Large answers are read member by member; they must mean the same.
func sameReply(t *testing.T, text string) {
	t.Helper()
	inMemory, err := jobs.ParseReply([]byte(text))
	if err != nil && !json.Valid([]byte(text)) {
		return // of what is no JSON, a stream judges less
	}
	var out bytes.Buffer
	streamed, serr := jobs.StreamReply(strings.NewReader(text), &out)
	if (err == nil) != (serr == nil) {
		t.Fatalf("%q: %v in memory, %v streamed", text, err, serr)
	}
	if err != nil {
		return
	}
	want, fault := inMemory.Parts()
	_, sfault := streamed.Parts()
	got := out.String()
	if got == "null" {
		got = "[]"
	}
	if fault != sfault || fault == "" && got != string(want) {
		t.Errorf("%q: %s %q in memory, %s %q streamed", text, want, fault, got, sfault)
	}
}

func TestALargeReplyMeansWhatASmallOneDoes(t *testing.T) {
	for _, text := range replies {
		sameReply(t, text)
	}
	for _, text := range []string{`{"result": [1}`, `{"result": [1`, `{"result": "a`, `{"result": 12`, `[]`, ``} {
		if _, err := jobs.StreamReply(strings.NewReader(text), &bytes.Buffer{}); err == nil {
			t.Errorf("%q was taken for a reply", text)
		}
	}
}

func FuzzReply(f *testing.F) {
	for _, text := range replies {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if json.Valid([]byte(text)) && strings.Count(text, "result") < 2 && strings.Count(text, "error") < 2 && !strings.Contains(text, `\u`) {
			sameReply(t, text)
		}
	})
}
