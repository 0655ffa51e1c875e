// The module Everything as an author writes it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/dynsvc/dynsvc/sdk"
)

type author struct{}

func (author) EchoRecord(_ context.Context, r Record) (Record, error) { return r, nil }
func (author) EchoWords(_ context.Context, w Words) (Words, error)    { return w, nil }
func (author) EchoHard(_ context.Context, h Hard) (Hard, error)       { return h, nil }

func (author) EchoTypes(_ context.Context, c Client, j Job, w String, l List, e Error) (EchoTypesResults, error) {
	return EchoTypesResults{c, j, w, l, e}, nil
}

func (author) EchoScalars(_ context.Context, i int64, f float64, s string, b Boolean) (EchoScalarsResults, error) {
	return EchoScalarsResults{i, f, s, b}, nil
}

func (author) EchoAny(_ context.Context, v json.RawMessage) (json.RawMessage, error) { return v, nil }

func (author) EchoLists(_ context.Context, s []string, r [][]int64, c map[string][]float64) (EchoListsResults, error) {
	return EchoListsResults{s, r, c}, nil
}

func (author) EchoRows(_ context.Context, rows []Row) ([]Row, error) { return rows, nil }

func (author) EchoTuple(_ context.Context, p EchoTuplePair) (EchoTupleResult, error) {
	return EchoTupleResult(p), nil
}

func (author) EchoEmpty(_ context.Context, e Empty) (Empty, error)             { return e, nil }
func (author) EchoReference(_ context.Context, r Reference) (Reference, error) { return r, nil }
func (author) Count(context.Context) (int64, error)                            { return 42, nil }
func (author) Forget(context.Context, string) error                            { return nil }
func (author) Nothing(context.Context) error                                   { return nil }

func (author) Unnamed(_ context.Context, a, b int64, s string, _ Inner, _ []Inner) (UnnamedResults, error) {
	return UnnamedResults{a + b, s}, nil
}

func (author) Middle(_ context.Context, r []Region) (Region, error) { return r[len(r)/2], nil }

func (author) Import(_ context.Context, a, b, c, d string, n int64) (string, error) {
	return fmt.Sprint(a, b, c, d, n), nil
}

func (author) Close(_ context.Context, a, b, c, d, e, f string) (string, error) {
	return a + b + c + d + e + f, nil
}

func (author) Fail(_ context.Context, code int64, message string) (string, error) {
	return "", &sdk.Error{Code: int(code), Message: message}
}

func (author) Whoami(ctx context.Context) (string, error) { return sdk.Token(ctx), nil }

func (author) Slow(_ context.Context, _ int64, how string) (Record, error) {
	return Record{Text: how}, nil
}

func (author) SlowPair(_ context.Context, steps int64) (SlowPairResults, error) {
	return SlowPairResults{"done", steps}, nil
}

func (author) SlowNothing(context.Context, int64) error { return nil }

func main() {
	m := sdk.New("Everything", sdk.Options{})
	register(m, author{})
	if err := m.Run(context.Background()); err != nil {
		m.Logger().Error("stopped", "error", err)
		os.Exit(1)
	}
}
