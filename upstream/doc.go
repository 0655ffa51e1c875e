// Package upstream is the gateway's HTTP/1.1 client. A call writes its request
// and reads its answer in the goroutine that asks for it, over a connection that
// it has to itself: no goroutine belongs to a connection, and none passes work
// to another. Only a body that is still to come from the caller has one, because
// a service may answer before it has read all of it.
//
//	Pool.Get --Conn--> Send --> ReadHead --> Next, Next, … EOF --> Release
//
// A [Pool] keeps the idle connections to one endpoint. One that the other side
// has closed, or has sent something on unasked, is found out before it is used
// again and costs no call.
//
// What comes back is read strictly. Whatever leaves a doubt where an answer ends
// is refused, because what follows on the connection would be taken for another
// caller's answer: two lengths, a length beside chunks, any coding but chunked,
// folded or malformed headers, stray bytes after an answer.
//
// It knows nothing of services, retries or limits, speaks neither HTTP/2 nor
// protocols that are upgraded to, and follows and stores nothing.
package upstream
