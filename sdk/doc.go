// Package sdk is what a module written in Go is made of: functions become the
// typed methods of a service, and the rest is taken care of.
//
//	type Params struct {
//		FASTA     string `json:"fasta"`
//		MinLength int64  `json:"min_length"`
//	}
//
//	type Result struct {
//		Kept int64 `json:"kept"`
//	}
//
//	func filterContigs(ctx context.Context, p Params) (Result, error) {
//		if p.MinLength < 0 {
//			return Result{}, sdk.Errorf("min_length is %d, and a length is 0 or more", p.MinLength)
//		}
//		sdk.Logger(ctx).Info("filtered", "user", sdk.User(ctx))
//		…
//	}
//
//	func main() {
//		m := sdk.New("FilterContigs", sdk.Options{Version: "1.0.0"})
//		sdk.Handle(m, "filter_contigs", filterContigs)
//		if err := m.Run(context.Background()); err != nil {
//			m.Logger().Error("stopped", "error", err)
//			os.Exit(1)
//		}
//	}
//
// # Functions
//
// [Handle] takes a function of one parameter and one result, as nearly all
// functions of interfaces are. The types [None], [Args] and [Results] stand for
// other numbers of them, and [Handle2] and [Handle3] take more parameters:
//
//	funcdef f(P p) returns (R r)              func(ctx, P) (R, error)
//	funcdef f() returns (R r)                 func(ctx, sdk.None) (R, error)
//	funcdef f(P p) returns ()                 func(ctx, P) (sdk.None, error)
//	funcdef f(A a, B b) returns (R r)         func(ctx, A, B) (R, error), with Handle2
//	funcdef f(P p) returns (R r, S s)         func(ctx, P) (sdk.Results, error)
//	funcdef f(A a, B b, C c, D d, …) …        func(ctx, sdk.Args) …
//
// Parameters and results are encoded by encoding/json, so the types of the
// interface are int64, float64, string, []T, map[string]T, structs with json
// tags, and json.RawMessage or any for an UnspecifiedObject; a tuple is a struct
// with [DecodeTuple] and [EncodeTuple]. Keys that a struct does not know are let
// pass, and missing ones leave it as it is. A value of the wrong type never
// reaches the function: the caller is told where it is, as in
// params[0].min_length. A list that may be empty wants []T{}, because a nil slice
// is null in JSON.
//
// # Errors
//
// What is made by [Errorf], or any [Error] in the chain, is for the caller. Of
// every other error, and of a panic, the caller learns nothing but that the
// method failed, and the log says why.
//
// # Context
//
// The context of a call ends when the caller gives up or leaves, or when the
// service has to stop. [User], [RequestID], [Token], [Job] and [Logger] tell what
// belongs to it, and [Progress] tells those who wait for a job how far it is. They
// work with any context, so functions are tested like any other.
//
// # Service
//
// [Module.Run] listens on $HOST and $PORT, answers GET / when it is ready, speaks
// JSON-RPC 1.1 and 2.0 at POST /, logs JSON lines to stderr ($LOG_LEVEL says from
// which level; calls that are no jobs and have no fault are at debug), and on SIGTERM finishes the calls in flight, for at most
// $DYNSVC_STOP_GRACE. The method status is always there.
//
// The package needs the standard library alone. It does not check values against
// an interface file, which the gateway does where the manifest asks for it, and
// it keeps nothing between calls.
package sdk
