package workshop_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/kidl"
	"github.com/dynsvc/dynsvc/workshop"
)

func TestAnExampleJudgesAnAnswer(t *testing.T) {
	model, err := kidl.LoadSource(nil, "m.spec", []byte("module M { funcdef f() returns (list<float> l, mapping<string, UnspecifiedObject> m); };"))
	if err != nil {
		t.Fatal(err)
	}
	f := model.Modules[0].Functions[0]
	failure := workshop.Answer{Error: &workshop.ExampleError{Code: 17, Message: "it is wrong"}}
	gave := func(text string) workshop.Answer { return workshop.Answer{Result: json.RawMessage(text)} }
	for _, tt := range []struct {
		name, example string
		got           workshop.Answer
		want          string // part of the fault; empty: none
	}{
		{"any result", `{}`, gave(`[[1], {}]`), ""},
		{"any result that fits", `{}`, gave(`[["x"], {}]`), `does not fit the interface: $[0][0]: expected a number, found the string "x"`},
		{"the same", `{"result": [[1, 2.50], {"a": {"b": null}, "c": "é"}]}`, gave(`[[1.0, 25e-1],{"c":"\u00e9","a":{"b":null}}]`), ""},
		{"digits beyond a float", `{"result": [[9007199254740993], {}]}`, gave(`[[9007199254740992], {}]`), "$[0][0] is 9007199254740992, want 9007199254740993"},
		{"off", `{"result": [[1], {}]}`, gave(`[[1.0001], {}]`), "$[0][0] is 1.0001, want 1"},
		{"not too far off", `{"result": [[1], {}], "tolerance": 1e-3}`, gave(`[[1.0001], {}]`), ""},
		{"too far off", `{"result": [[1], {}], "tolerance": 1e-5}`, gave(`[[1.0001], {}]`), "$[0][0] is 1.0001"},
		{"fewer", `{"result": [[1, 2], {}]}`, gave(`[[1], {}]`), "$[0] has 1 elements, want 2"},
		{"a key less", `{"result": [[], {"a": 1}]}`, gave(`[[], {}]`), `$[1] has no "a"`},
		{"a key more", `{"result": [[], {}]}`, gave(`[[], {"a": 1}]`), `$[1] has "a", which is not wanted`},
		{"another kind", `{"result": [[], {"a": [1]}]}`, gave(`[[], {"a": {"b": 1}}]`), `$[1].a is {"b":1}, want [1]`},
		{"an error", `{"error": {"code": 17, "message": "wrong"}}`, failure, ""},
		{"any error", `{"error": {}}`, failure, ""},
		{"another code", `{"error": {"code": 18}}`, failure, "code 17"},
		{"another message", `{"error": {"message": "right"}}`, failure, `want a message with "right"`},
		{"an error for a result", `{"result": []}`, failure, "failed: it is wrong (code 17)"},
		{"a result for an error", `{"error": {}}`, gave(`[[], {}]`), "want an error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var e workshop.Example
			if err := json.Unmarshal([]byte(tt.example), &e); err != nil {
				t.Fatal(err)
			}
			err := e.Judge(tt.got, f)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("fault %v, want %q", err, tt.want)
			}
		})
	}
}
