// Package content is what the soak and its service have to agree on: what calls
// carry, and what their answers have to be.
package content

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"sync"
	"time"
)

// What streams are made of.
const (
	Events     = 10 // of an event stream, and messages through a WebSocket
	Beat       = 150 * time.Millisecond
	Pieces     = 10 // of an upload and of a download
	Piece      = 16 << 10
	TrailerSum = "X-Sum"
)

// Payload is the parameter of a typed call, and its result.
type Payload struct {
	ID      string `json:"id"`
	N       int64  `json:"n"`
	MS      int    `json:"ms,omitempty"`      // how long the call takes
	Version string `json:"version,omitempty"` // of who answered
	Filling string `json:"filling,omitempty"` // has no meaning but its length
}

// Answer is the result for a parameter: the same, and the number's successor.
func (p Payload) Answer(version string) Payload {
	p.N, p.Version = p.N+1, version
	return p
}

// Upload is the answer to an upload.
type Upload struct {
	ID    string `json:"id"`
	Bytes int64  `json:"bytes"`
	Sum   string `json:"sum"`
}

// Blob is a megabyte in which no two places look alike.
var Blob = sync.OnceValue(func() []byte {
	out := make([]byte, 0, 1<<20)
	for i := uint64(0); len(out) < 1<<20; i++ {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, i))
		out = append(out, sum[:]...)
	}
	return out
})

// Sum is the SHA-256 of text, in hex.
func Sum(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
