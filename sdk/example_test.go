package sdk_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/dynsvc/dynsvc/sdk"
	"github.com/dynsvc/dynsvc/sdk/sdktest"
)

// Assembly and Kept are structures of the interface.
type Assembly struct {
	FASTA     string `json:"fasta"`
	MinLength int64  `json:"min_length"`
}

type Kept struct {
	FASTA    string `json:"fasta"`
	NContigs int64  `json:"n_contigs"`
}

func filterContigs(ctx context.Context, a Assembly) (Kept, error) {
	if a.MinLength < 0 {
		return Kept{}, sdk.Errorf("min_length is %d, and a length is 0 or more", a.MinLength)
	}
	var kept Kept
	records := strings.Split(a.FASTA, ">")[1:]
	for i, record := range records {
		if err := ctx.Err(); err != nil { // nobody waits any more
			return Kept{}, err
		}
		sdk.Progress(ctx, float64(i)/float64(len(records)), "filtering")
		_, sequence, _ := strings.Cut(record, "\n")
		if int64(len(strings.ReplaceAll(sequence, "\n", ""))) >= a.MinLength {
			kept.FASTA += ">" + record
			kept.NContigs++
		}
	}
	sdk.Logger(ctx).Info("filtered", "kept", kept.NContigs)
	return kept, nil
}

// A module is a name, functions, and Run.
func Example() {
	m := sdk.New("FilterContigs", sdk.Options{Version: "1.0.0"})
	sdk.Handle(m, "filter_contigs", filterContigs)

	ctx, stop := context.WithCancel(context.Background())
	stop() // a program would not: Run ends with SIGTERM
	if err := m.Run(ctx); err != nil {
		m.Logger().Error("stopped", "error", err)
		os.Exit(1)
	}
}

// What goes over the wire.
func ExampleModule_Handler() {
	m := sdk.New("FilterContigs", sdk.Options{Version: "1.0.0"})
	sdk.Handle(m, "filter_contigs", filterContigs)
	srv := httptest.NewServer(m.Handler())
	defer srv.Close()

	resp, err := http.Post(srv.URL, "application/json", strings.NewReader(`{
		"version": "1.1", "id": "7", "method": "FilterContigs.filter_contigs",
		"params": [{"fasta": ">a\nACGTACGT\n>b\nAC\n", "min_length": "4"}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	fmt.Println(resp.StatusCode, string(text), err)
	// Output:
	// 500 {"version":"1.1","id":"7","error":{"name":"JSONRPCError","code":-32602,"message":"params[0].min_length of FilterContigs.filter_contigs must be an integer, not \"4\"","error":""}} <nil>
}

// Functions of any number of parameters and results.
func ExampleHandle() {
	m := sdk.New("Calculator", sdk.Options{})
	sdk.Handle(m, "pi", func(context.Context, sdk.None) (float64, error) { return 3.14, nil })
	sdk.Handle2(m, "divide", func(_ context.Context, a, b int64) (sdk.Results, error) {
		if b == 0 {
			return nil, sdk.Errorf("%d cannot be divided by 0", a)
		}
		return sdk.Results{a / b, a % b}, nil
	}, sdk.Params("a", "b"))

	ctx := context.Background()
	pi, err := sdktest.Call[float64](ctx, m, "pi")
	fmt.Println(pi, err)

	var quotient, rest int64
	err = sdktest.CallAll(ctx, m, "divide", []any{7, 2}, &quotient, &rest)
	fmt.Println(quotient, rest, err)

	err = sdktest.CallAll(ctx, m, "divide", []any{7, 0})
	fmt.Println(err)
	// Output:
	// 3.14 <nil>
	// 3 1 <nil>
	// 7 cannot be divided by 0
}

// Several parameters of which the last may be left out.
func ExampleArgs() {
	m := sdk.New("Greeter", sdk.Options{})
	sdk.Handle(m, "greet", func(_ context.Context, args sdk.Args) (string, error) {
		name, greeting := "", "Hello"
		if err := args.Decode(&name, &greeting); err != nil {
			return "", err
		}
		return greeting + ", " + name, nil
	}, sdk.Params("name", "greeting?"))

	fmt.Println(sdktest.Call[string](context.Background(), m, "greet", "Ada"))
	fmt.Println(sdktest.Call[string](context.Background(), m, "greet", "Ada", "Salut"))
	// Output:
	// Hello, Ada <nil>
	// Salut, Ada <nil>
}

// Hit is a tuple<string, float>.
type Hit struct {
	ID    string
	Score float64
}

func (h *Hit) UnmarshalJSON(b []byte) error { return sdk.DecodeTuple(b, &h.ID, &h.Score) }
func (h Hit) MarshalJSON() ([]byte, error)  { return sdk.EncodeTuple(h.ID, h.Score) }

// A tuple is a list in JSON and a struct in Go.
func ExampleDecodeTuple() {
	m := sdk.New("Search", sdk.Options{})
	sdk.Handle(m, "best", func(_ context.Context, hits []Hit) (Hit, error) {
		var best Hit
		for _, hit := range hits {
			if hit.Score > best.Score {
				best = hit
			}
		}
		return best, nil
	}, sdk.Params("hits"))

	best, err := sdktest.Call[Hit](context.Background(), m, "best", []Hit{{"a", 0.25}, {"b", 0.5}})
	fmt.Println(best, err)
	_, err = sdktest.Call[Hit](context.Background(), m, "best", []any{[]any{"a", 0.25}, []any{"b", "much"}})
	fmt.Println(err)
	// Output:
	// {b 0.5} <nil>
	// hits[1][1] of Search.best must be a number, not "much"
}

// What the caller is told is an Error, and says so in a test.
func ExampleError() {
	m := sdk.New("Genomes", sdk.Options{})
	sdk.Handle(m, "fetch", func(_ context.Context, id string) (string, error) {
		return "", &sdk.Error{Code: 404, Message: "there is no genome " + id}
	})

	_, err := sdktest.Call[string](context.Background(), m, "fetch", "g1")
	var told *sdk.Error
	fmt.Println(errors.As(err, &told), told.Code, told.Message)
	// Output: true 404 there is no genome g1
}
