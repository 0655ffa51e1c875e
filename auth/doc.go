// Package auth says who makes a request: it turns an Authorization header into a
// [service.Caller]. It stands beside the gateway and the control API, which ask it,
// and knows dynsvc's own tokens, OpenID providers and KBase's auth service.
//
// It decides nothing about what a caller may do: modules say whom they admit
// ([service.Module.Admit]), and the operations of the API say what role they need.
// It keeps verdicts for a while and asks nobody for one that it has; it never keeps
// or logs a token, only hashes.
package auth
