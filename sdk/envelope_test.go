package sdk

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

func TestScan(t *testing.T) {
	tests := []struct {
		name, in string
		want     request
		code     int
	}{
		{name: "1.1", in: `{"version":"1.1","method":"M.f","params":[1],"id":"7"}`,
			want: request{method: []byte("M.f"), params: []byte("[1]"), id: []byte(`"7"`), version: true}},
		{name: "2.0", in: ` { "jsonrpc" : "2.0" , "id" : 7 , "method" : "M.f" } `,
			want: request{v2: true, method: []byte("M.f"), id: []byte("7"), jsonrpc: true}},
		{name: "escaped names", in: `{"\u006dethod":"M\u002ef"}`, want: request{method: []byte("M.f")}},
		{name: "params are not looked at", in: `{"method":"M.f","params":[nul,"]"]}`,
			want: request{method: []byte("M.f"), params: []byte(`[nul,"]"]`)}},
		{name: "others are let pass", in: `{"context":{"a":[1]},"method":"M.f"}`, want: request{method: []byte("M.f")}},
		{name: "empty", in: ``, code: CodeParse},
		{name: "white space", in: ` `, code: CodeParse},
		{name: "cut off", in: `{"method":"M.f"`, code: CodeParse},
		{name: "comma too many", in: `{"method":"M.f",}`, code: CodeParse},
		{name: "more after it", in: `{"method":"M.f"} 1`, code: CodeParse},
		{name: "others must be JSON", in: `{"method":"M.f","a":[1 2]}`, code: CodeParse},
		{name: "names must be JSON", in: "{\"method\":\"M.f\",\"a\nb\":1}", code: CodeParse},
		{name: "not JSON although no request", in: `[1`, code: CodeParse},
		{name: "no UTF-8", in: "{\"method\":\"\xff\"}", code: CodeParse},
		{name: "a fault and no JSON", in: `{"method":1,"params":[nul]}`, code: CodeParse},
		{name: "batch", in: `[{"method":"M.f"}]`, code: CodeRequest},
		{name: "string", in: `"M.f"`, code: CodeRequest},
		{name: "no method", in: `{}`, code: CodeRequest},
		{name: "empty method", in: `{"method":""}`, code: CodeRequest},
		{name: "method is no string", in: `{"method":1}`, code: CodeRequest},
		{name: "method twice", in: `{"method":"M.f","method":"M.g"}`, code: CodeRequest},
		{name: "params twice", in: `{"method":"M.f","params":[],"params":[]}`, code: CodeRequest},
		{name: "id twice", in: `{"method":"M.f","id":1,"id":1}`, code: CodeRequest},
		{name: "id is a list", in: `{"method":"M.f","id":[1]}`, code: CodeRequest},
		{name: "jsonrpc 3", in: `{"method":"M.f","jsonrpc":"3.0"}`, code: CodeRequest},
		{name: "version is a number", in: `{"method":"M.f","version":1.1}`, code: CodeRequest},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got request
			fault := scan([]byte(tt.in), &got)
			if tt.code != 0 {
				if fault == nil || fault.Code != tt.code {
					t.Fatalf("fault = %v, want code %d", fault, tt.code)
				}
				return
			}
			if fault != nil {
				t.Fatal(fault)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// FuzzScan holds scan against encoding/json: what is JSON, and what it says.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		`{"version":"1.1","method":"M.f","params":[{"a":"]}\\\""},[1,2.5e3],null],"id":"7"}`,
		`{"jsonrpc":"2.0","method":"M.f","params":{"a":1,"b":[]},"id":7}`,
		`{"method":"M.f","params":[1 2]}`, `{"method":"M.f","params":[}`, `{"method":"M.f","params":nul}`,
		`[{}]`, `{"\u006dethod":"M.f","a":"\ud800"}`, `{"method":"a","params":["b"]]}`, "{\"method\":\"a\",\"b\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var req request
		fault := scan(body, &req)
		valid := json.Valid(body) && bytes.Equal(body, bytes.ToValidUTF8(body, nil))
		switch {
		case fault == errNotJSON:
			if valid {
				t.Fatal("this is JSON")
			}
			return
		case fault != nil:
			if !valid {
				t.Fatalf("this is no JSON, and scan said %v", fault)
			}
			return
		case req.params == nil && !valid, req.params != nil && json.Valid(req.params) != valid:
			t.Fatalf("valid is %t, params %q", valid, req.params)
		}
		list, n, ok := elements(req.params, make([]json.RawMessage, 0, 1000))
		if ok && n == len(list) {
			all := true
			for _, one := range list {
				all = all && json.Valid(one)
			}
			if all != valid {
				t.Fatalf("valid is %t, elements %q", valid, list)
			}
		}
		if !valid {
			return
		}
		var want struct {
			Method string          `json:"method"`
			Params json.RawMessage `json:"params"`
			ID     json.RawMessage `json:"id"`
		}
		if json.Unmarshal(foldless(body), &want) != nil {
			return
		}
		if string(req.method) != want.Method || !bytes.Equal(req.params, bytes.TrimSpace(want.Params)) || !bytes.Equal(req.id, want.ID) {
			t.Fatalf("got %q %s %s, want %q %s %s", req.method, req.params, req.id, want.Method, want.Params, want.ID)
		}
	})
}

// foldless drops the members whose names encoding/json would take for others.
func foldless(body []byte) []byte {
	out := map[string]json.RawMessage{}
	members(body, func(key string, value []byte) {
		if key == "method" || key == "params" || key == "id" {
			out[key] = value
		}
	})
	kept := []byte("{")
	for key, value := range out {
		if len(kept) > 1 {
			kept = append(kept, ',')
		}
		kept = append(append(append(append(kept, '"'), key...), '"', ':'), value...)
	}
	return append(kept, '}')
}

func TestWholeNumbers(t *testing.T) {
	tests := []struct{ in, want string }{
		{`[1.0, -2.50e1, 1e+05, 0.0]`, `[1, -25, 100000, 0]`},
		{`[1.5, 1e-3, 1e25, 1e400, 1E999999999]`, ``},
		{`{"a 1.0": "1.0", "b": [true, null, "\"1e2"]}`, ``},
		{`1e2`, `100`},
		{`-0.0`, `0`},
		{`9223372036854775807.0`, `9223372036854775807`},
	}
	for _, tt := range tests {
		got, changed := wholeNumbers([]byte(tt.in))
		want := tt.want
		if want == "" {
			want = tt.in
		}
		if string(got) != want || changed != (tt.want != "") {
			t.Errorf("%s: got %s, %t", tt.in, got, changed)
		}
	}
}
