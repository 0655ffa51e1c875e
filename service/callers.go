package service

import (
	"encoding/binary"
	"math"
	"slices"
)

// Callers tells how many distinct callers there were, without saying who: the
// callersKept smallest of the hashes of their names, in order. Fewer than that
// are counted exactly, more to within about 6 % (one standard deviation). Sets
// of several buckets or gateways merge as if they had been one.
type Callers []uint64

const callersKept = 256

// HashCaller hashes the name of a caller. It is the same everywhere and at all
// times; it is no secret: whoever can guess a name can test whether it is there.
func HashCaller(name string) uint64 {
	// FNV-1a, and the finalizer of SplitMix64: the order statistics need all
	// bits to be equally good.
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// Add notes a caller by its hash.
func (c *Callers) Add(hash uint64) {
	s := *c
	if len(s) == callersKept && hash >= s[callersKept-1] {
		return
	}
	at, found := slices.BinarySearch(s, hash)
	if found {
		return
	}
	if len(s) == callersKept {
		s = s[:callersKept-1]
	}
	*c = slices.Insert(s, at, hash)
}

// Merge returns the callers of both, which stay as they are.
func (c Callers) Merge(o Callers) Callers {
	if len(o) == 0 {
		return slices.Clone(c)
	}
	all := slices.Concat(c, o)
	slices.Sort(all)
	all = slices.Compact(all)
	return slices.Clip(all[:min(len(all), callersKept)])
}

// Count is how many callers there were.
func (c Callers) Count() int64 {
	if len(c) < callersKept {
		return int64(len(c))
	}
	// The k-th smallest of n even hashes lies at about k/n of their range.
	return int64(math.Round((callersKept - 1) / (float64(c[callersKept-1]) / math.MaxUint64)))
}

// AppendBinary appends the form that is stored: eight bytes for each hash.
func (c Callers) AppendBinary(to []byte) ([]byte, error) {
	for _, hash := range c {
		to = binary.BigEndian.AppendUint64(to, hash)
	}
	return to, nil
}

// MarshalBinary is AppendBinary into bytes of their own.
func (c Callers) MarshalBinary() ([]byte, error) { return c.AppendBinary(nil) }

// UnmarshalBinary takes what AppendBinary gives.
func (c *Callers) UnmarshalBinary(data []byte) error {
	if len(data)%8 != 0 || len(data) > 8*callersKept {
		return Errorf(ErrInvalid, "a stored set of callers has %d bytes", len(data))
	}
	*c = nil
	for ; len(data) > 0; data = data[8:] {
		*c = append(*c, binary.BigEndian.Uint64(data))
	}
	if !slices.IsSorted(*c) {
		return Errorf(ErrInvalid, "a stored set of callers is not in order")
	}
	return nil
}
