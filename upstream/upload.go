package upstream

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
)

// SourceError is a body that could not be read: the caller's fault, not that of
// the service.
type SourceError struct{ Err error }

func (e *SourceError) Error() string { return "the body of the request broke off: " + e.Err.Error() }

// Unwrap gives the error of the body's reader.
func (e *SourceError) Unwrap() error { return e.Err }

// upload sends a body while the answer is awaited.
type upload struct {
	source    io.Reader
	length    int64
	trailer   http.Header
	interrupt func()
	held      bool // nobody has asked for it yet, and nothing of it was read

	read   atomic.Bool // the source has ended
	failed atomic.Pointer[SourceError]
	done   chan struct{} // closed when nothing reads from the source any more
	err    error         // of the whole, once done is closed

	once sync.Once // guards interrupt
}

// rest is a body that is in memory.
type rest struct{ b []byte }

func (r *rest) Read(p []byte) (int, error) {
	n := copy(p, r.b)
	if r.b = r.b[n:]; len(r.b) == 0 {
		return n, io.EOF
	}
	return n, nil
}

// over reports whether all of the body was read.
func (u *upload) over() bool { return u.read.Load() }

func (u *upload) cut() {
	if u.interrupt != nil {
		u.once.Do(u.interrupt)
	}
}

func (u *upload) run(c *Conn) {
	defer close(u.done)
	u.err = u.copy(c)
	if source := (*SourceError)(nil); errors.As(u.err, &source) {
		u.failed.Store(source)
		c.abort() // no whole request will ever be there: nothing to wait for
	}
}

func (u *upload) copy(c *Conn) error {
	buf := bigBuffers.Get().(*[bigSize]byte)
	defer bigBuffers.Put(buf)
	left := u.length
	for {
		if err := c.out.Flush(); err != nil { // what there is may be waited for
			return err
		}
		n, err := u.source.Read(buf[:])
		if left >= 0 {
			if left -= int64(n); left < 0 {
				return &SourceError{errors.New("it is longer than was said")}
			}
		}
		ended := err != nil || left == 0
		if errors.Is(err, io.EOF) || err == nil && left == 0 {
			if left > 0 {
				return &SourceError{io.ErrUnexpectedEOF}
			}
			u.read.Store(true) // before the last bytes go: who answers them has all
			err = nil
		}
		if err != nil {
			return &SourceError{err}
		}
		u.write(c, buf[:n])
		if ended {
			u.finish(c)
			return c.out.Flush()
		}
	}
}

func (u *upload) write(c *Conn, p []byte) {
	if u.length >= 0 {
		_, _ = c.out.Write(p) // the writer keeps the first error for Flush
		return
	}
	if len(p) == 0 {
		return // would be the last chunk
	}
	_, _ = c.out.Write(append(strconv.AppendInt(c.out.AvailableBuffer(), int64(len(p)), 16), "\r\n"...))
	_, _ = c.out.Write(p)
	_, _ = c.out.WriteString("\r\n")
}

func (u *upload) finish(c *Conn) {
	if u.length >= 0 {
		return
	}
	_, _ = c.out.WriteString("0\r\n")
	for name, values := range u.trailer {
		for _, value := range values {
			_, _ = c.out.WriteString(name + ": " + plain(value) + "\r\n")
		}
	}
	_, _ = c.out.WriteString("\r\n")
}
