// The module Everything. This file is yours: it was written once. The functions of
// the interface are declared in interface.go, which is written again with each
// change of it.
package main

import (
	"context"
	"encoding/json"
	"os"

	"github.com/dynsvc/dynsvc/sdk"
)

type everything struct{}

// EchoRecord is Everything.echo_record.
//
// Gives back what it gets.
func (*everything) EchoRecord(ctx context.Context, record Record) (Record, error) {
	var result Record
	return result, sdk.Errorf("echo_record is not written yet")
}

// EchoWords is Everything.echo_words.
func (*everything) EchoWords(ctx context.Context, words Words) (Words, error) {
	var result Words
	return result, sdk.Errorf("echo_words is not written yet")
}

// EchoHard is Everything.echo_hard.
func (*everything) EchoHard(ctx context.Context, hard Hard) (Hard, error) {
	var result Hard
	return result, sdk.Errorf("echo_hard is not written yet")
}

// EchoTypes is Everything.echo_types.
func (*everything) EchoTypes(ctx context.Context, client Client, job Job, words String, things List, errorValue Error) (EchoTypesResults, error) {
	var result EchoTypesResults
	return result, sdk.Errorf("echo_types is not written yet")
}

// EchoScalars is Everything.echo_scalars.
func (*everything) EchoScalars(ctx context.Context, i int64, fValue float64, sValue string, b Boolean) (EchoScalarsResults, error) {
	var result EchoScalarsResults
	return result, sdk.Errorf("echo_scalars is not written yet")
}

// EchoAny is Everything.echo_any.
func (*everything) EchoAny(ctx context.Context, value json.RawMessage) (json.RawMessage, error) {
	var result json.RawMessage
	return result, sdk.Errorf("echo_any is not written yet")
}

// EchoLists is Everything.echo_lists.
func (*everything) EchoLists(ctx context.Context, strings []string, rows [][]int64, columns map[string][]float64) (EchoListsResults, error) {
	var result EchoListsResults
	return result, sdk.Errorf("echo_lists is not written yet")
}

// EchoRows is Everything.echo_rows.
func (*everything) EchoRows(ctx context.Context, rows []Row) ([]Row, error) {
	var result []Row
	return result, sdk.Errorf("echo_rows is not written yet")
}

// EchoTuple is Everything.echo_tuple.
func (*everything) EchoTuple(ctx context.Context, pair EchoTuplePair) (EchoTupleResult, error) {
	var result EchoTupleResult
	return result, sdk.Errorf("echo_tuple is not written yet")
}

// EchoEmpty is Everything.echo_empty.
func (*everything) EchoEmpty(ctx context.Context, empty Empty) (Empty, error) {
	var result Empty
	return result, sdk.Errorf("echo_empty is not written yet")
}

// EchoReference is Everything.echo_reference.
func (*everything) EchoReference(ctx context.Context, reference Reference) (Reference, error) {
	var result Reference
	return result, sdk.Errorf("echo_reference is not written yet")
}

// Count is Everything.count.
//
// Takes nothing, gives one.
func (*everything) Count(ctx context.Context) (int64, error) {
	var result int64
	return result, sdk.Errorf("count is not written yet")
}

// Forget is Everything.forget.
//
// Takes one, gives nothing.
func (*everything) Forget(ctx context.Context, what string) error {
	return sdk.Errorf("forget is not written yet")
}

// Nothing is Everything.nothing.
//
// Neither takes nor gives.
func (*everything) Nothing(ctx context.Context) error {
	return sdk.Errorf("nothing is not written yet")
}

// Unnamed is Everything.unnamed.
//
// Equal types without names.
func (*everything) Unnamed(ctx context.Context, arg1 int64, arg2 int64, arg3 string, inner Inner, arg5 []Inner) (UnnamedResults, error) {
	var result UnnamedResults
	return result, sdk.Errorf("unnamed is not written yet")
}

// Middle is Everything.middle.
//
// A region in the middle.
//
// Deprecated: use echo_rows.
func (*everything) Middle(ctx context.Context, regions []Region) (Region, error) {
	var result Region
	return result, sdk.Errorf("middle is not written yet")
}

// Import is Everything.import.
//
// Names that are taken in some language.
func (*everything) Import(ctx context.Context, class string, self string, this string, from string, async int64) (string, error) {
	var result string
	return result, sdk.Errorf("import is not written yet")
}

// Close is Everything.close.
//
// Called as clients call what they have themselves.
func (*everything) Close(ctx context.Context, url string, token string, options string, callback string, ctxValue string, client string) (string, error) {
	var result string
	return result, sdk.Errorf("close is not written yet")
}

// Fail is Everything.fail.
//
// Fails as the caller says.
func (*everything) Fail(ctx context.Context, code int64, message string) (string, error) {
	var result string
	return result, sdk.Errorf("fail is not written yet")
}

// Whoami is Everything.whoami. It needs a token.
//
// Only for those who are known.
func (*everything) Whoami(ctx context.Context) (string, error) {
	var result string
	return result, sdk.Errorf("whoami is not written yet")
}

// Slow is Everything.slow.
//
// Takes a while, and says how far it is.
func (*everything) Slow(ctx context.Context, steps int64, how string) (Record, error) {
	var result Record
	return result, sdk.Errorf("slow is not written yet")
}

// SlowPair is Everything.slow_pair.
func (*everything) SlowPair(ctx context.Context, steps int64) (SlowPairResults, error) {
	var result SlowPairResults
	return result, sdk.Errorf("slow_pair is not written yet")
}

// SlowNothing is Everything.slow_nothing.
func (*everything) SlowNothing(ctx context.Context, steps int64) error {
	return sdk.Errorf("slow_nothing is not written yet")
}

func main() {
	m := sdk.New("Everything", sdk.Options{})
	register(m, &everything{})
	if err := m.Run(context.Background()); err != nil {
		m.Logger().Error("stopped", "error", err)
		os.Exit(1)
	}
}
