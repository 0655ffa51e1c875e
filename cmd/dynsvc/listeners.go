package main

import (
	"errors"
	"net"
	"sync"
)

// listeners is several listeners as one. Its address is the first one's.
type listeners struct {
	net.Listener
	all      []net.Listener
	accepted chan accepted
	closed   chan struct{}
	once     sync.Once
}

type accepted struct {
	conn net.Conn
	err  error
}

// newListeners accepts from all in goroutines that end when it is closed.
func newListeners(all ...net.Listener) *listeners {
	l := &listeners{Listener: all[0], all: all, accepted: make(chan accepted), closed: make(chan struct{})}
	for _, one := range all {
		go func() {
			for {
				conn, err := one.Accept()
				select {
				case l.accepted <- accepted{conn, err}:
				case <-l.closed:
					if err == nil {
						_ = conn.Close() // nobody will serve it
					}
					return
				}
				if errors.Is(err, net.ErrClosed) {
					return
				}
			}
		}()
	}
	return l
}

func (l *listeners) Accept() (net.Conn, error) {
	select {
	case a := <-l.accepted:
		return a.conn, a.err
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listeners) Close() (err error) {
	l.once.Do(func() {
		close(l.closed)
		for _, one := range l.all {
			err = errors.Join(err, one.Close())
		}
	})
	return err
}
