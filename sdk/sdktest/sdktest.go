// Package sdktest calls the methods of a module in a test, through all that
// stands between a caller and the function: the envelope, the checks of the
// parameters, the encoding of the result.
//
//	got, err := sdktest.Call[Result](t.Context(), newModule(), "filter_contigs", Params{FASTA: fasta, MinLength: 500})
//
// It opens no connection.
package sdktest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/dynsvc/dynsvc/sdk"
)

// Call calls a method of one result, or of none with R = [sdk.None]. What the
// caller is told of an error is an [*sdk.Error]. Header fields come from [With].
func Call[R any](ctx context.Context, m *sdk.Module, method string, params ...any) (R, error) {
	var result R
	raw, err := call(ctx, m, method, params)
	if err != nil {
		return result, err
	}
	if _, none := any(result).(sdk.None); none {
		return result, nil
	}
	if err := json.Unmarshal(raw, &[]any{&result}); err != nil {
		return result, fmt.Errorf("decode the result of %s: %w", method, err)
	}
	return result, nil
}

// CallAll calls a method of several results, and stores them where into points.
func CallAll(ctx context.Context, m *sdk.Module, method string, params []any, into ...any) error {
	raw, err := call(ctx, m, method, params)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &into); err != nil {
		return fmt.Errorf("decode the results of %s: %w", method, err)
	}
	return nil
}

type headerKey struct{}

// With returns a context whose calls carry a header field, such as the
// X-Dynsvc-User that the gateway sets.
func With(ctx context.Context, key, value string) context.Context {
	h, _ := ctx.Value(headerKey{}).(http.Header)
	if h = h.Clone(); h == nil {
		h = make(http.Header)
	}
	h.Set(key, value)
	return context.WithValue(ctx, headerKey{}, h)
}

func call(ctx context.Context, m *sdk.Module, method string, params []any) (json.RawMessage, error) {
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"version": "1.1", "id": "1", "method": m.Name() + "." + method, "params": params})
	if err != nil {
		return nil, fmt.Errorf("encode the parameters of %s: %w", method, err)
	}
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", bytes.NewReader(body))
	if h, ok := ctx.Value(headerKey{}).(http.Header); ok {
		r.Header = h.Clone()
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, r)
	var answer struct {
		Result json.RawMessage
		Error  *struct {
			Code           int
			Message, Error string
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		return nil, fmt.Errorf("%s answered %d: %s", method, w.Code, w.Body)
	}
	if e := answer.Error; e != nil {
		return nil, &sdk.Error{Code: e.Code, Message: e.Message, Details: e.Error}
	}
	return answer.Result, nil
}
