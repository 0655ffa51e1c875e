// The module Awkward. This file is yours: it was written once. The functions of
// the interface are declared in interface.go, which is written again with each
// change of it.
package main

import (
	"context"
	"os"

	"github.com/dynsvc/dynsvc/sdk"
)

type awkward struct{}

// RunX is Awkward.run_x.
func (*awkward) RunX(ctx context.Context, a int64) (int64, error) {
	var result int64
	return result, sdk.Errorf("run_x is not written yet")
}

// X is Awkward.x.
func (*awkward) X(ctx context.Context, a int64) (int64, error) {
	var result int64
	return result, sdk.Errorf("x is not written yet")
}

// SubmitX is Awkward.submit_x.
func (*awkward) SubmitX(ctx context.Context, a int64) (int64, error) {
	var result int64
	return result, sdk.Errorf("submit_x is not written yet")
}

// RunX2 is Awkward.runX.
func (*awkward) RunX2(ctx context.Context, a int64) (int64, error) {
	var result int64
	return result, sdk.Errorf("runX is not written yet")
}

// X2 is Awkward.X.
func (*awkward) X2(ctx context.Context, a int64) (int64, error) {
	var result int64
	return result, sdk.Errorf("X is not written yet")
}

// Then is Awkward.then.
func (*awkward) Then(ctx context.Context) error {
	return sdk.Errorf("then is not written yet")
}

// Constructor is Awkward.constructor.
func (*awkward) Constructor(ctx context.Context) error {
	return sdk.Errorf("constructor is not written yet")
}

// ToString is Awkward.toString.
func (*awkward) ToString(ctx context.Context) error {
	return sdk.Errorf("toString is not written yet")
}

// New is Awkward.new.
func (*awkward) New(ctx context.Context, newValue int64) (int64, error) {
	var result int64
	return result, sdk.Errorf("new is not written yet")
}

// Class is Awkward.class.
func (*awkward) Class(ctx context.Context, class int64, fn int64, function int64, funcValue int64, def int64) (int64, error) {
	var result int64
	return result, sdk.Errorf("class is not written yet")
}

// Init is Awkward.init.
func (*awkward) Init(ctx context.Context, init int64) error {
	return sdk.Errorf("init is not written yet")
}

// U is Awkward.u__.
func (*awkward) U(ctx context.Context, progress int64, timeout int64, cancel int64, options int64, opts int64, self int64, this int64, call int64) error {
	return sdk.Errorf("u__ is not written yet")
}

// Same is Awkward.same.
func (*awkward) Same(ctx context.Context, sameNames SameNames) (SameNames, error) {
	var result SameNames
	return result, sdk.Errorf("same is not written yet")
}

// ID is Awkward.id.
func (*awkward) ID(ctx context.Context, id ID) (ID, error) {
	var result ID
	return result, sdk.Errorf("id is not written yet")
}

// Types is Awkward.types.
func (*awkward) Types(ctx context.Context, typeValue Type, object Object, boolean Boolean, anyValue Any) (TypesResults, error) {
	var result TypesResults
	return result, sdk.Errorf("types is not written yet")
}

// Deep is Awkward.deep.
func (*awkward) Deep(ctx context.Context, deep Deep, deeper Deeper, lists Lists, all AllOptional) (DeepResults, error) {
	var result DeepResults
	return result, sdk.Errorf("deep is not written yet")
}

// Two is Awkward.two.
func (*awkward) Two(ctx context.Context, arg1 int64, arg2 int64) (int64, error) {
	var result int64
	return result, sdk.Errorf("two is not written yet")
}

// TupleInTuple is Awkward.tuple_in_tuple.
func (*awkward) TupleInTuple(ctx context.Context, arg1 TupleInTupleArg1) (TupleInTupleResults, error) {
	var result TupleInTupleResults
	return result, sdk.Errorf("tuple_in_tuple is not written yet")
}

// AFunctionWithARatherLongName is Awkward.a_function_with_a_rather_long_name.
func (*awkward) AFunctionWithARatherLongName(ctx context.Context, aParameterWithALongName LongFields, longOne Long) (AFunctionWithARatherLongNameResults, error) {
	var result AFunctionWithARatherLongNameResults
	return result, sdk.Errorf("a_function_with_a_rather_long_name is not written yet")
}

// Status2 is Awkward.status2.
func (*awkward) Status2(ctx context.Context, status Str) (Str, error) {
	var result Str
	return result, sdk.Errorf("status2 is not written yet")
}

// ListOf is Awkward.list_of.
func (*awkward) ListOf(ctx context.Context, tupleOf int64) (int64, error) {
	var result int64
	return result, sdk.Errorf("list_of is not written yet")
}

// Errors is Awkward.errors.
func (*awkward) Errors(ctx context.Context, errorValue Error, contextValue Context, ctxValue Context, errValue int64, jsonValue int64) (ErrorsResults, error) {
	var result ErrorsResults
	return result, sdk.Errorf("errors is not written yet")
}

func main() {
	m := sdk.New("Awkward", sdk.Options{})
	register(m, &awkward{})
	if err := m.Run(context.Background()); err != nil {
		m.Logger().Error("stopped", "error", err)
		os.Exit(1)
	}
}
