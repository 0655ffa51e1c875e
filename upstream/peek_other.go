//go:build !unix

package upstream

// peek cannot tell here.
func peek(uintptr) bool { return false }
