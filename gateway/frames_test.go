package gateway

import (
	"bytes"
	"slices"
	"testing"
)

// However the bytes come, those of messages are told from pings, pongs and closes.
func TestMessagesAreToldFromPings(t *testing.T) {
	frame := func(first byte, masked bool, payload int) []byte {
		f := []byte{first}
		mask := byte(0)
		if masked {
			mask = 0x80
		}
		switch {
		case payload < 126:
			f = append(f, mask|byte(payload))
		case payload < 1<<16:
			f = append(f, mask|126, byte(payload>>8), byte(payload))
		default:
			f = append(f, mask|127, 0, 0, 0, 0, 0, byte(payload>>16), byte(payload>>8), byte(payload))
		}
		if masked {
			f = append(f, 0x8a, 0x8a, 0x8a, 0x8a) // looks like a pong
		}
		return append(f, bytes.Repeat([]byte{0x01}, payload)...) // looks like a text
	}
	type part struct {
		frame   []byte
		message bool
	}
	var all []part
	for _, masked := range []bool{false, true} {
		all = append(all,
			part{frame(0x89, masked, 0), false}, part{frame(0x81, masked, 5), true}, part{frame(0x8a, masked, 125), false},
			part{frame(0x01, masked, 126), true}, part{frame(0x89, masked, 3), false}, part{frame(0x80, masked, 70_000), true},
			part{frame(0x82, masked, 0), true}, part{frame(0x88, masked, 2), false})
	}
	for _, size := range []int{1, 2, 3, 7, 1 << 20} {
		var f frames
		for i, p := range all {
			got := false
			for piece := range slices.Chunk(p.frame, size) {
				got = f.messages(piece) || got
			}
			if got != p.message || !f.between() {
				t.Errorf("in pieces of %d: frame %d: message %t, want %t; ended %t", size, i, got, p.message, f.between())
			}
		}
	}
	var f frames
	if f.messages(frame(0x89, true, 9)[:8]) || f.between() {
		t.Error("half a ping")
	}
}
