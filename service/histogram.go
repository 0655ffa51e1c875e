package service

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"time"
)

// Histogram is how many calls took how long. Its bins are those of an
// HdrHistogram: from 64 ns on, each power of two is cut into 64 equal parts, so
// that no duration is off by more than 1/128 of itself (0.8 %), from
// nanoseconds to centuries. All histograms have the same bins: merging loses
// nothing. Bins without calls are left out; the others are in order.
type Histogram []Bin

// Bin is one bin of a histogram.
type Bin struct {
	Index uint16 `json:"i"` // see [BinOf]
	Count uint64 `json:"n"`
}

// binBits is the binary logarithm of the parts a power of two is cut into.
const binBits = 6

// Bins is how many bins a duration can be in.
const Bins = (64 - binBits) << binBits

// BinOf returns the index of the bin that a duration is in.
func BinOf(d time.Duration) int {
	v := uint64(max(d, 0))
	shift := max(bits.Len64(v)-binBits-1, 0)
	return shift<<binBits + int(v>>shift)
}

// BinRange returns the bounds of a bin: from low, to below high.
func BinRange(index int) (low, high time.Duration) {
	shift := max(index>>binBits-1, 0)
	part := uint64(index - shift<<binBits)
	high = math.MaxInt64
	if h := (part + 1) << shift; h < math.MaxInt64 {
		high = time.Duration(h)
	}
	return time.Duration(part << shift), high
}

// Add counts one call that took d. It is for a few calls: who counts many keeps
// an array by [BinOf].
func (h *Histogram) Add(d time.Duration) {
	index := uint16(BinOf(d))
	at, found := slices.BinarySearchFunc(*h, index, func(b Bin, i uint16) int { return int(b.Index) - int(i) })
	if !found {
		*h = slices.Insert(*h, at, Bin{Index: index})
	}
	(*h)[at].Count++
}

// Merge returns the histogram of all calls of both, which stay as they are.
func (h Histogram) Merge(o Histogram) Histogram {
	if len(h) == 0 || len(o) == 0 {
		return slices.Concat(h, o)
	}
	sum := make(Histogram, 0, max(len(h), len(o)))
	for len(h) > 0 && len(o) > 0 {
		switch a, b := h[0], o[0]; {
		case a.Index < b.Index:
			sum, h = append(sum, a), h[1:]
		case a.Index > b.Index:
			sum, o = append(sum, b), o[1:]
		default:
			sum, h, o = append(sum, Bin{a.Index, a.Count + b.Count}), h[1:], o[1:]
		}
	}
	return append(append(sum, h...), o...)
}

// Count is how many calls the histogram has.
func (h Histogram) Count() uint64 {
	var n uint64
	for _, b := range h {
		n += b.Count
	}
	return n
}

// Quantile returns a duration that the given part of the calls, 0 to 1, did not
// exceed, to 0.8 %. Of no calls it is 0.
func (h Histogram) Quantile(part float64) time.Duration {
	n := h.Count()
	if n == 0 {
		return 0
	}
	rank := uint64(math.Ceil(min(max(part, 0), 1) * float64(n)))
	var seen uint64
	for _, b := range h {
		if seen += b.Count; seen >= rank {
			low, high := BinRange(int(b.Index))
			return low + (high-low)/2
		}
	}
	low, high := BinRange(int(h[len(h)-1].Index)) // rank was rounded past n
	return low + (high-low)/2
}

// AppendBinary appends the compact form that is stored: for each bin the
// distance from the one before and the count, as varints. Two to four bytes a
// bin.
func (h Histogram) AppendBinary(to []byte) ([]byte, error) {
	last := uint16(0)
	for _, b := range h {
		to = binary.AppendUvarint(to, uint64(b.Index-last))
		to = binary.AppendUvarint(to, b.Count)
		last = b.Index
	}
	return to, nil
}

// MarshalBinary is AppendBinary into bytes of their own.
func (h Histogram) MarshalBinary() ([]byte, error) { return h.AppendBinary(nil) }

// UnmarshalBinary takes what AppendBinary gives.
func (h *Histogram) UnmarshalBinary(data []byte) error {
	*h = nil
	var index uint64
	for first := true; len(data) > 0; first = false {
		step, n := binary.Uvarint(data)
		if n <= 0 {
			return Errorf(ErrInvalid, "a stored histogram breaks off")
		}
		count, m := binary.Uvarint(data[n:])
		if m <= 0 {
			return Errorf(ErrInvalid, "a stored histogram breaks off")
		}
		if step >= Bins || index+step >= Bins || step == 0 && !first {
			return fmt.Errorf("%w: a stored histogram has a bin %d after %d", ErrInvalid, index+step, index)
		}
		index += step
		*h = append(*h, Bin{uint16(index), count})
		data = data[n+m:]
	}
	return nil
}
