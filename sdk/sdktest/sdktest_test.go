package sdktest_test

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/sdk"
	"github.com/dynsvc/dynsvc/sdk/sdktest"
)

func module() *sdk.Module {
	m := sdk.New("M", sdk.Options{Logger: slog.New(slog.DiscardHandler)})
	sdk.Handle(m, "who", func(ctx context.Context, _ sdk.None) (string, error) { return sdk.User(ctx) + sdk.Job(ctx), nil })
	sdk.Handle(m, "swap", func(_ context.Context, p []int) (sdk.Results, error) { return sdk.Results{p[1], p[0]}, nil })
	sdk.Handle(m, "none", func(context.Context, sdk.None) (sdk.None, error) { return sdk.None{}, nil })
	return m
}

func TestCall(t *testing.T) {
	ctx, m := t.Context(), module()
	if got, err := sdktest.Call[string](ctx, m, "who"); got != "" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	ada := sdktest.With(sdktest.With(ctx, "X-Dynsvc-User", "ada"), "X-Dynsvc-Job", "1")
	if got, err := sdktest.Call[string](ada, m, "who"); got != "ada1" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := sdktest.Call[sdk.None](ctx, m, "none"); err != nil {
		t.Error(err)
	}
	var a, b int
	if err := sdktest.CallAll(ctx, m, "swap", []any{[]int{1, 2}}, &a, &b); err != nil || a != 2 || b != 1 {
		t.Errorf("got %d, %d, %v", a, b, err)
	}
}

func TestFaults(t *testing.T) {
	ctx, m := t.Context(), module()
	var told *sdk.Error
	if _, err := sdktest.Call[int](ctx, m, "unknown"); !errors.As(err, &told) || told.Code != sdk.CodeMethod {
		t.Errorf("err = %v", err)
	}
	if _, err := sdktest.Call[int](ctx, m, "who"); err == nil || !strings.Contains(err.Error(), "decode the result of who") {
		t.Errorf("err = %v", err)
	}
	if _, err := sdktest.Call[int](ctx, m, "who", math.NaN()); err == nil || !strings.Contains(err.Error(), "encode the parameters of who") {
		t.Errorf("err = %v", err)
	}
}
