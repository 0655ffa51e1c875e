package lane

import (
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// drainLimit is how much of a body that nobody has read is read to keep the
// connection; net/http has the same.
const drainLimit = 256 << 10

// drainTimeout is how long that may take: the answer waits for it.
const drainTimeout = time.Second

// body is the body of one request. It is never used for another: whoever reads too
// late must not get what belongs to the next.
type body struct {
	c    *conn
	left atomic.Int64 // bytes still to come; only a reader with the mutex changes it

	mu     sync.Mutex // guards what follows, and the connection's reading side while there is something left
	closed bool
	failed error
}

func (b *body) Read(p []byte) (n int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	left := b.left.Load()
	switch {
	case b.closed:
		return 0, http.ErrBodyReadAfterClose
	case b.failed != nil:
		return 0, b.failed
	case left == 0:
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	}
	p = p[:min(int64(len(p)), left)]
	if n = copy(p, b.c.in[b.c.start:b.c.end]); n > 0 {
		b.c.start += n
	} else if n, err = b.c.raw.Read(p); err != nil {
		if err == io.EOF { //nolint:errorlint // bare, as a connection gives it
			err = io.ErrUnexpectedEOF
		}
		if n < int(left) {
			b.failed = err
			b.c.cancel() // as if the caller had left: net/http has it so
		} else {
			err = nil // the next who reads from the connection meets it again
		}
	}
	if b.left.Add(-int64(n)) == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

// Arrived is how many bytes a read gives without waiting.
func (b *body) Arrived() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.failed != nil {
		return 0
	}
	return int(min(int64(b.c.end-b.c.start), b.left.Load()))
}

// Close makes later reads fail.
func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}

// drain reads what nobody has read, if it is not much and nobody is at it, and reports
// whether nothing is left.
func (b *body) drain() bool {
	if b == nil || b.left.Load() == 0 {
		return true
	}
	if b.left.Load() > drainLimit || !b.mu.TryLock() {
		return false
	}
	closed := b.closed
	b.mu.Unlock()
	if closed {
		return false
	}
	_ = b.c.raw.SetReadDeadline(time.Now().Add(drainTimeout)) // an error means that it is closed
	_, err := io.Copy(io.Discard, b)
	_ = b.c.raw.SetReadDeadline(time.Time{})
	return err == nil
}
