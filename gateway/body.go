package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

const (
	peekFirst = 64 << 10  // read of a body at first
	peekLimit = 1 << 20   // read of a body at most to find its method
	keepLimit = 256 << 10 // of a body that is kept to be sent again
	fitLimit  = 1 << 20   // of a body whose parameters are checked
	firstRead = 4 << 10   // buffer for a body of unknown length
)

// body is a request's body of which the beginning may have been read. Nothing
// of it is changed on its way.
type body struct {
	source io.Reader
	length int64        // declared; -1: unknown
	kept   []byte       // what was read of it
	budget budget       // what kept may take
	all    bool         // kept is all of it
	sent   int          // of kept
	ended  atomic.Bool  // nothing more will come from source
	read   atomic.Int64 // bytes that came from source
	clock  *clock       // hears of each read from source; nil: nobody does
	pacer  *pacer       // and of each that begins; nil: nobody does
}

// peek reads enough of the body to say what it calls.
func (b *body) peek() (envelope, error) {
	size := int64(firstRead)
	if b.length >= 0 {
		size = min(b.length, peekFirst)
	}
	for {
		if err := b.fill(size); err != nil {
			return envelope{}, err
		}
		env, v := scan(b.kept)
		switch {
		case v == raw, v == more && b.all:
			return envelope{}, nil
		case v == whole, env.method != "" && len(b.kept) >= peekFirst, len(b.kept) >= peekLimit:
			return env, nil
		}
		size = min(size*2, peekLimit)
	}
}

// arrival is a source that knows how much of it a reader need not wait for.
type arrival interface{ Arrived() int }

// here reports whether all of the body has come in, so that reading it takes no time.
func (b *body) here() bool {
	if b.all {
		return true
	}
	from, ok := b.source.(arrival)
	return ok && b.length >= 0 && int64(len(b.kept)+from.Arrived()) >= b.length
}

// fill reads until size bytes are kept, or all.
func (b *body) fill(size int64) error {
	if int64(cap(b.kept)) < size {
		if err := b.budget.grow(size - int64(cap(b.kept))); err != nil {
			return err
		}
		b.kept = append(make([]byte, 0, size), b.kept...)
	}
	for int64(len(b.kept)) < size && !b.all {
		n, err := b.source.Read(b.kept[len(b.kept):size])
		b.kept = b.kept[:len(b.kept)+n]
		b.read.Add(int64(n))
		switch {
		case errors.Is(err, io.EOF), int64(len(b.kept)) == b.length:
			b.all = true
			b.ended.Store(true)
		case errors.Is(err, os.ErrDeadlineExceeded):
			return &slowError{b.budget.timeout}
		case err != nil:
			return service.Errorf(service.ErrInvalid, "the body of the request broke off: %w", err)
		}
	}
	return nil
}

// keep reads all of a body that may be sent again, if it is small enough.
func (b *body) keep() error {
	if b.all || b.length < 0 || b.length > keepLimit {
		return nil
	}
	return b.fill(b.length)
}

// whole keeps a body if it has no more than limit bytes, and reports whether it
// does.
func (b *body) whole(limit int64) (bool, error) {
	if b.length > limit {
		return false, nil
	}
	if b.length >= 0 {
		return true, b.fill(b.length)
	}
	for size := int64(firstRead); !b.all && int64(len(b.kept)) < limit; size = min(size*2, limit) {
		if err := b.fill(size); err != nil {
			return false, err
		}
	}
	return b.all, nil
}

// reader returns a reader of its own over a body that is kept whole.
func (b *body) reader() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(b.kept)), nil
}

func (b *body) Read(p []byte) (int, error) {
	if b.sent < len(b.kept) {
		n := copy(p, b.kept[b.sent:])
		b.sent += n
		return n, nil
	}
	if b.all {
		return 0, io.EOF
	}
	b.pacer.expect()
	n, err := b.source.Read(p)
	b.pacer.got(n)
	b.read.Add(int64(n))
	b.clock.move()
	if err != nil {
		b.ended.Store(true)
	}
	return n, err
}

// Close does nothing: the server closes its request's body itself, and a
// transport that could not connect must leave it whole for another attempt.
func (b *body) Close() error { return nil }

// budget is what the beginnings of bodies may take of memory and time. A body
// that is small takes none: connections are bounded themselves.
type budget struct {
	all     *atomic.Int64 // of the gateway
	most    int64
	took    int64
	timeout time.Duration
}

func (b *budget) grow(n int64) error {
	if n <= firstRead {
		return nil
	}
	if b.all.Add(n) > b.most {
		b.all.Add(-n)
		return roomError(fmt.Sprintf("keeps %d MiB of bodies in memory", b.most>>20))
	}
	b.took += n
	return nil
}

// free gives back what was taken.
func (b *budget) free() {
	if b.took > 0 {
		b.all.Add(-b.took)
		b.took = 0
	}
}
