package service

import (
	"hash/fnv"
	"math/rand/v2"
	"regexp"
)

// Split sends a share of a tag's calls to a second version. The calls that have
// the same value of a header or cookie reach the same version, and a share that
// grows keeps those it had; calls without the value are dealt at random.
type Split struct {
	To      ID     `json:"to"`
	Percent int    `json:"percent"`          // of the calls, 1 to 99
	Header  string `json:"header,omitempty"` // name; empty: none
	Cookie  string `json:"cookie,omitempty"` // name; empty: none
}

// token is a name of a header or a cookie.
var token = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$")

// Validate reports why a split cannot be.
func (s *Split) Validate() error {
	switch {
	case s.Percent < 1 || s.Percent > 99:
		return Errorf(ErrInvalid, "a split gives its version 1 to 99 percent of the calls, not %d: move the tag to give it all", s.Percent)
	case s.Header != "" && s.Cookie != "":
		return Errorf(ErrInvalid, "a split is by a header or by a cookie, not by both")
	case s.Header != "" && !token.MatchString(s.Header):
		return Errorf(ErrInvalid, "%q is no name of a header", s.Header)
	case s.Cookie != "" && !token.MatchString(s.Cookie):
		return Errorf(ErrInvalid, "%q is no name of a cookie", s.Cookie)
	}
	return nil
}

// Takes reports whether a call with this value, or with none, is one of the
// share. Every gateway says the same of a value.
func (s *Split) Takes(value string) bool {
	if value == "" {
		return rand.IntN(100) < s.Percent
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(s.To)) // so that not always the same callers come first; a hash takes anything
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(value))
	sum := h.Sum64()
	sum ^= sum >> 32 // the last bytes of a value stir the upper half more
	return sum%100 < uint64(s.Percent)
}
