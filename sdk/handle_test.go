package sdk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/sdk"
)

type inner struct {
	X int64 `json:"x"`
}

type outer struct {
	Name   string            `json:"name"`
	Length int64             `json:"length"`
	Small  int8              `json:"small"`
	Count  uint16            `json:"count"`
	Ratio  float64           `json:"ratio"`
	On     bool              `json:"on"`
	List   []inner           `json:"list"`
	Map    map[string][]int  `json:"map"`
	Maybe  *inner            `json:"maybe"`
	Any    any               `json:"any"`
	Raw    json.RawMessage   `json:"raw"`
	Pair   pair              `json:"pair"`
	Pairs  map[string][]pair `json:"pairs"`
	When   time.Time         `json:"when"`
	Self   *outer            `json:"self"`
	inner
}

// pair is a tuple<string, inner>.
type pair struct {
	Name  string
	Inner inner
}

func (p *pair) UnmarshalJSON(b []byte) error { return sdk.DecodeTuple(b, &p.Name, &p.Inner) }
func (p pair) MarshalJSON() ([]byte, error)  { return sdk.EncodeTuple(p.Name, p.Inner) }

type failing struct{}

func (failing) MarshalJSON() ([]byte, error) { panic("secret in an encoder") }

var errSecret = errors.New("secret cause")

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// newModule returns a module with functions of all shapes.
func newModule(opts sdk.Options) *sdk.Module {
	if opts.Logger == nil {
		opts.Logger = quiet()
	}
	m := sdk.New("M", opts)
	sdk.Handle(m, "echo", func(_ context.Context, v json.RawMessage) (json.RawMessage, error) { return v, nil })
	sdk.Handle(m, "outer", func(_ context.Context, o outer) (outer, error) { return o, nil })
	sdk.Handle(m, "int", func(_ context.Context, n int64) (int64, error) { return n, nil })
	sdk.Handle(m, "ints", func(_ context.Context, n []int64) (int, error) { return len(n), nil })
	sdk.Handle(m, "pair", func(_ context.Context, p pair) (pair, error) { return p, nil })
	sdk.Handle(m, "none", func(context.Context, sdk.None) (sdk.None, error) { return sdk.None{}, nil })
	sdk.Handle(m, "answer", func(context.Context, sdk.None) (int, error) { return 42, nil })
	sdk.Handle(m, "take", func(context.Context, string) (sdk.None, error) { return sdk.None{}, nil })
	sdk.Handle2(m, "add", func(_ context.Context, a, b int64) (int64, error) { return a + b, nil }, sdk.Params("a", "b"))
	sdk.Handle2(m, "times", func(_ context.Context, a, b int64) (int64, error) { return a * b, nil })
	sdk.Handle3(m, "join", func(_ context.Context, a, b, c string) (string, error) { return a + b + c, nil }, sdk.Params("a", "b", "c?"))
	sdk.Handle(m, "divide", func(_ context.Context, p struct{ A, B int64 }) (sdk.Results, error) {
		if p.B == 0 {
			return nil, &sdk.Error{Code: 17, Message: "nothing can be divided by 0", Details: "a was 1"}
		}
		return sdk.Results{p.A / p.B, p.A % p.B}, nil
	}, sdk.Params("p"))
	sdk.Handle(m, "swap", func(_ context.Context, args sdk.Args) (sdk.Results, error) {
		var a, b any
		if err := args.Decode(&a, &b); err != nil {
			return nil, err
		}
		return sdk.Results{b, a}, nil
	})
	sdk.Handle(m, "scale", func(_ context.Context, args sdk.Args) (float64, error) {
		x, factor := 0.0, 2.0
		err := args.Decode(&x, &factor)
		return x * factor, err
	}, sdk.Params("x", "factor?"))
	sdk.Handle(m, "sum", func(_ context.Context, args sdk.Args) (int, error) {
		into := make([]any, args.Len())
		n := make([]int, args.Len())
		for i := range n {
			into[i] = &n[i]
		}
		if err := args.Decode(into...); err != nil {
			return 0, err
		}
		sum := 0
		for _, one := range n {
			sum += one
		}
		return sum, nil
	})
	sdk.Handle(m, "refuse", func(_ context.Context, why string) (sdk.None, error) {
		return sdk.None{}, fmt.Errorf("wrapped: %w", sdk.Errorf("no: %s", why))
	})
	sdk.Handle(m, "fail", func(context.Context, sdk.None) (int, error) { return 0, errSecret })
	sdk.Handle(m, "crash", func(context.Context, sdk.None) (int, error) { panic("secret cause") })
	sdk.Handle(m, "nan", func(context.Context, sdk.None) (float64, error) { return math.NaN(), nil })
	sdk.Handle(m, "failing", func(context.Context, sdk.None) (failing, error) { return failing{}, nil })
	return m
}

// post sends a body to a module and returns the answer.
func post(h http.Handler, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestCalls(t *testing.T) {
	h := newModule(sdk.Options{}).Handler()
	tests := []struct{ name, method, params, want string }{
		{"a value", "echo", `[{"a":[1,2.50,null,"<ü>"]}]`, `[{"a":[1,2.50,null,"<ü>"]}]`},
		{"null", "echo", `[null]`, `[null]`},
		{"nothing to nothing", "none", `[]`, `null`},
		{"null params", "none", `null`, `null`},
		{"nothing to something", "answer", ` [ ] `, `[42]`},
		{"something to nothing", "take", `["x"]`, `null`},
		{"two", "add", `[1, 2]`, `[3]`},
		{"three", "join", `["a","b","c"]`, `["abc"]`},
		{"three, one left out", "join", `["a","b"]`, `["ab"]`},
		{"two results", "divide", `[{"A":7,"B":2}]`, `[3,1]`},
		{"own decoding", "swap", `[1,"a"]`, `["a",1]`},
		{"left out", "scale", `[1.5]`, `[3]`},
		{"not left out", "scale", `[1.5, 3]`, `[4.5]`},
		{"any number: 0", "sum", `[]`, `[0]`},
		{"any number: 6", "sum", `[1,2,3,4,5,6]`, `[21]`},
		{"integers as others write them", "ints", `[[1.0, 1e+05]]`, `[2]`},
		{"the largest integer", "int", `[9223372036854775807]`, `[9223372036854775807]`},
		{"a tuple", "pair", `[["a",{"x":1}]]`, `[["a",{"x":1}]]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, v := range []struct{ is, member string }{{"1.1", "version"}, {"2.0", "jsonrpc"}} {
				w := post(h, fmt.Sprintf(`{%q:%q,"id":"7","method":"M.%s","params":%s}`, v.member, v.is, tt.method, tt.params))
				want := fmt.Sprintf(`{%q:%q,"id":"7","result":%s}`, v.member, v.is, tt.want)
				if w.Code != 200 || w.Body.String() != want {
					t.Errorf("got %d %s, want %s", w.Code, w.Body, want)
				}
				if got := w.Header().Get("Content-Type"); got != "application/json" {
					t.Errorf("content type is %q", got)
				}
			}
		})
	}
}

func TestCallsByName(t *testing.T) {
	h := newModule(sdk.Options{}).Handler()
	tests := []struct{ name, method, params, want string }{
		{"names", "add", `{"b":2,"a":1}`, `"result":[3]`},
		{"one of them left out", "scale", `{"x":2}`, `"result":[4]`},
		{"the object is the parameter", "outer", `{"name":"n"}`, `"name":"n"`},
		{"none", "none", `{}`, `"result":null`},
		{"misfit", "add", `{"b":"x","a":1}`, `"message":"b of M.add must be an integer, not \"x\""`},
		{"missing", "add", `{"b":2}`, `"message":"a is missing: M.add takes 2 parameters: a, b"`},
		{"missing before one that is there", "scale", `{"factor":2}`, `"message":"x is missing: M.scale takes 2 parameters: x, factor (optional)"`},
		{"unknown", "add", `{"a":1,"b":2,"c":3}`, `"message":"c is no parameter: M.add takes 2 parameters: a, b"`},
		{"without names", "times", `{"a":1,"b":2}`, `"message":"params of M.times must be a list, because they have no names"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := post(h, fmt.Sprintf(`{"jsonrpc":"2.0","id":7,"method":"M.%s","params":%s}`, tt.method, tt.params))
			if !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("got %s, want %s in it", w.Body, tt.want)
			}
		})
	}
	if w := post(h, `{"version":"1.1","id":7,"method":"M.add","params":{"a":1,"b":2}}`); !strings.Contains(w.Body.String(), "-32602") {
		t.Errorf("1.1 with an object: %s", w.Body)
	}
}

func TestMisfits(t *testing.T) {
	h := newModule(sdk.Options{}).Handler()
	tests := []struct{ name, method, params, want string }{
		{"too few", "add", `[1]`, `params is a list of 1: M.add takes 2 parameters: a, b`},
		{"too many", "add", `[1,2,3]`, `params is a list of 3: M.add takes 2 parameters: a, b`},
		{"none wanted", "none", `[1]`, `params is a list of 1: M.none takes no parameters`},
		{"own decoding, too few", "swap", `[1]`, `params is a list of 1: M.swap takes 2 parameters`},
		{"null for a number", "int", `[null]`, `params[0] of M.int must be an integer, not null`},
		{"null for a list", "ints", `[null]`, `params[0] of M.ints must be a list, not null`},
		{"null for a structure", "outer", `[null]`, `params[0] of M.outer must be an object, not null`},
		{"no list", "add", `"x"`, `params of M.add must be a list, not "x"`},
		{"status", "status", `[1]`, `params is a list of 1: M.status takes no parameters`},
		{"string for int", "int", `["5"]`, `params[0] of M.int must be an integer, not "5"`},
		{"fraction", "int", `[1.5]`, `params[0] of M.int must be an integer of 64 bits, not 1.5`},
		{"too large", "int", `[9223372036854775808]`, `params[0] of M.int must be an integer of 64 bits, not 9223372036854775808`},
		{"second", "add", `[1, true]`, `b of M.add must be an integer, not true`},
		{"object for string", "take", `[{}]`, `params[0] of M.take must be a string, not {}`},
		{"field", "outer", `[{"name":1}]`, `params[0].name of M.outer must be a string, not 1`},
		{"small", "outer", `[{"small":128}]`, `params[0].small of M.outer must be an integer of 8 bits, not 128`},
		{"negative", "outer", `[{"count":-1}]`, `params[0].count of M.outer must be an integer, 0 or more, of 16 bits, not -1`},
		{"number", "outer", `[{"ratio":"1"}]`, `params[0].ratio of M.outer must be a number, not "1"`},
		{"boolean", "outer", `[{"on":1}]`, `params[0].on of M.outer must be true or false, not 1`},
		{"in a list", "outer", `[{"list":[{"x":1},{"y":[],"x":"1"}]}]`, `params[0].list[1].x of M.outer must be an integer, not "1"`},
		{"no list in it", "outer", `[{"list":{"x":1}}]`, `params[0].list of M.outer must be a list, not {"x":1}`},
		{"in a mapping", "outer", `[{"map":{"a":[1],"b c":[1,2,"3"]}}]`, `params[0].map["b c"][2] of M.outer must be an integer, not "3"`},
		{"behind a pointer", "outer", `[{"maybe":{"x":{}}}]`, `params[0].maybe.x of M.outer must be an integer, not {}`},
		{"recursive", "outer", `[{"self":{"self":{"on":"no"}}}]`, `params[0].self.self.on of M.outer must be true or false, not "no"`},
		{"embedded", "outer", `[{"x":"no"}]`, `params[0].x of M.outer must be an integer, not "no"`},
		{"other case", "outer", `[{"LENGTH":"no"}]`, `params[0].LENGTH of M.outer must be an integer, not "no"`},
		{"tuple", "pair", `[{}]`, `params[0] of M.pair must be a list of 2, not {}`},
		{"tuple too long", "pair", `[["a",{},1]]`, `params[0] of M.pair must be a list of 2, not ["a",{},1]`},
		{"within a tuple", "outer", `[{"pairs":{"p":[["a",{}],["b",{"x":null}],["c",{"x":1.5}]]}}]`,
			`params[0].pairs.p[2][1].x of M.outer must be an integer of 64 bits, not 1.5`},
		{"custom type", "outer", `[{"when":"today"}]`, `params[0].when of M.outer does not fit: parsing time`},
		{"the first of several", "outer", `[{"name":1,"on":2}]`, `params[0].name of M.outer must be a string, not 1`},
		{"cut", "int", `["` + strings.Repeat("ü", 100) + `"]`, `params[0] of M.int must be an integer, not "` + strings.Repeat("ü", 29) + `…`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := post(h, fmt.Sprintf(`{"version":"1.1","id":7,"method":"M.%s","params":%s}`, tt.method, tt.params))
			got := fault(t, w)
			if got.Code != sdk.CodeParams || !strings.HasPrefix(got.Message, tt.want) {
				t.Errorf("got %d %q, want %q", got.Code, got.Message, tt.want)
			}
		})
	}
}

func TestParametersThatAreNoJSON(t *testing.T) {
	h := newModule(sdk.Options{}).Handler()
	for _, body := range []string{
		`{"method":"M.add","params":[1 2]}`, `{"method":"M.add","params":[1,nul]}`, `{"method":"M.add","params":["a",nul]}`,
		`{"method":"M.unknown","params":[nul]}`, `{"method":"M.add","params":[1,2,nul]}`, `{"method":"M.none","params":[nul]}`,
		`{"method":"M.outer","params":[{"a":}]}`, `{"jsonrpc":"2.0","method":"M.add","params":{"a":1,"b":}}`, `{"method":"M.add","params":nul}`,
		`{"method":"M.swap","params":[1,nul]}`, `{"method":"M.swap","params":[1,nul,2]}`, `{"jsonrpc":"2.0","method":"M.outer","params":{"a":}}`,
	} {
		if got := fault(t, post(h, body)); got.Code != sdk.CodeParse {
			t.Errorf("%s: got %+v", body, got)
		}
	}
}

type rpcError struct {
	Name    string
	Code    int
	Message string
	Error   string
	Data    string
}

func fault(t *testing.T, w *httptest.ResponseRecorder) rpcError {
	t.Helper()
	var answer struct {
		Error  *rpcError
		Result json.RawMessage
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	if answer.Error == nil || answer.Result != nil || w.Code != http.StatusInternalServerError {
		t.Fatalf("no error, or not only: %d %s", w.Code, w.Body)
	}
	return *answer.Error
}

func TestErrors(t *testing.T) {
	h := newModule(sdk.Options{}).Handler()
	tests := []struct{ name, body, want string }{
		{"in 1.1", `{"version":"1.1","id":"7","method":"M.refuse","params":["because"]}`,
			`{"version":"1.1","id":"7","error":{"name":"JSONRPCError","code":-32000,"message":"no: because","error":""}}`},
		{"in 2.0", `{"jsonrpc":"2.0","id":7,"method":"M.divide","params":[{"A":1}]}`,
			`{"jsonrpc":"2.0","id":7,"error":{"code":17,"message":"nothing can be divided by 0","data":"a was 1"}}`},
		{"unknown method", `{"version":"1.1","id":null,"method":"N.add"}`, `"code":-32601,"message":"there is no method N.add: there are M.add, `},
		{"no dot", `{"method":"add"}`, `"code":-32601`},
		{"batch", `[]`, `{"version":"1.1","id":null,"error":{"name":"JSONRPCError","code":-32600,"message":"batches are not supported`},
		{"no JSON", `{"id":7`, `{"version":"1.1","id":null,"error":{"name":"JSONRPCError","code":-32700,`},
		{"an error for the log", `{"id":1.50,"method":"M.fail"}`,
			`{"version":"1.1","id":1.50,"error":{"name":"JSONRPCError","code":-32603,"message":"the method failed; the log of the service says why","error":""}}`},
		{"a panic", `{"method":"M.crash"}`, `"code":-32603`},
		{"no number", `{"method":"M.nan"}`, `"code":-32603`},
		{"a panic in an encoder", `{"method":"M.failing"}`, `"code":-32603`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := post(h, tt.body)
			if fault(t, w); !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("got %s, want %s", w.Body, tt.want)
			}
			if strings.Contains(w.Body.String(), "secret") {
				t.Errorf("the caller sees the cause: %s", w.Body)
			}
		})
	}
}

func TestErrorfKeepsWhatItWraps(t *testing.T) {
	if err := sdk.Errorf("read: %w", io.EOF); !errors.Is(err, io.EOF) || err.Error() != "read: EOF" {
		t.Errorf("err = %v", err)
	}
}

func TestRegistrationFaults(t *testing.T) {
	none := func(context.Context, sdk.None) (sdk.None, error) { return sdk.None{}, nil }
	tests := []struct {
		name string
		add  func(*sdk.Module)
	}{
		{"twice", func(m *sdk.Module) { sdk.Handle(m, "a", none); sdk.Handle(m, "a", none) }},
		{"status", func(m *sdk.Module) { sdk.Handle(m, "status", none) }},
		{"dot", func(m *sdk.Module) { sdk.Handle(m, "M.a", none) }},
		{"names", func(m *sdk.Module) { sdk.Handle(m, "a", none, sdk.Params("x")) }},
		{"module", func(*sdk.Module) { sdk.New("", sdk.Options{}) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := sdk.New("M", sdk.Options{Logger: quiet()})
			defer func() {
				if text := fmt.Sprint(recover()); !strings.HasPrefix(text, "sdk: ") {
					t.Errorf("the panic says %q", text)
				}
			}()
			tt.add(m)
		})
	}
}

// FuzzCall sends anything to every function: an answer must always be one, and
// the log must not have an error that the module made itself.
func FuzzCall(f *testing.F) {
	for _, seed := range []string{
		`{"version":"1.1","id":1,"method":"M.outer","params":[{"name":1,"pairs":{"p":[["a",{}]]},"self":{"list":[{"x":1.0}]}}]}`,
		`{"jsonrpc":"2.0","id":"a","method":"M.add","params":{"a":1,"b":2}}`,
		`{"method":"M.swap","params":[1,[2]]}`, `{"method":"M.ints","params":[[1e2,1.5]]}`, `{"method":"M.pair","params":[[1]]}`,
		`{"method":"M.status"}`, `[{}]`, `{"method":"M.scale","params":[1e400]}`, `{"method":"M.outer","params":[{"when":"2020","raw":{"a":[}}]}`,
	} {
		f.Add([]byte(seed))
	}
	h := newModule(sdk.Options{}).Handler()
	f.Fuzz(func(t *testing.T, body []byte) {
		w := post(h, string(body))
		var answer struct {
			Result json.RawMessage
			Error  *rpcError
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatalf("%v in %q", err, w.Body)
		}
		if (w.Code == 200) != (answer.Error == nil) {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if answer.Error != nil && answer.Error.Code == sdk.CodeParse && json.Valid(body) && strings.ToValidUTF8(string(body), "") == string(body) {
			t.Fatalf("this is JSON: %q", body)
		}
	})
}
