// Package lane is the fast way into the gateway: an HTTP/1.1 server for the simple
// calls that are nearly all of the traffic, with or without TLS. It stands before a [net/http.Server] as
// the listener that the server accepts from:
//
//	accept --> lane --request understood--> handler, again and again
//	             \--anything else---------> the connection goes to net/http, with what was read of it
//
// It takes a request whose first line came in one piece, whose head has at most 16 KiB
// and leaves no doubt: HTTP/1.1, a known method, a path below one of the prefixes it was given, proper names and
// values, one host, at most one length, no transfer coding, nothing to expect or to
// switch to. Whatever the lane takes, net/http would have read the same; whatever it
// does not take, well-formed or not, net/http answers as it always did. A connection
// that was handed over never comes back. Over TLS the lane greets the caller, as the
// server would, within the time that a header may take; whoever agrees on HTTP/2 goes to
// net/http at once.
//
// A connection has one goroutine, and its buffers, request and header maps serve call
// after call. Only a call that goes unanswered for a few milliseconds gets a second
// goroutine, which waits for its caller to leave. The context of a request is that of
// its connection: it ends when the caller leaves, not with the request. So a handler
// must not keep the request, its header or the writer; the texts in them it may keep.
//
// Timeouts and the bound of what is drained are those of the server behind.
package lane
