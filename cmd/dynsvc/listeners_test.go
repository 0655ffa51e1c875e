package main

import (
	"errors"
	"io"
	"net"
	"testing"
)

// Connections to each of several listeners are accepted, and none after the end.
func TestListenersAcceptFromAll(t *testing.T) {
	var all []net.Listener
	for range 2 {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	both := newListeners(all...)
	if both.Addr() != all[0].Addr() {
		t.Errorf("its address is %s, want %s", both.Addr(), all[0].Addr())
	}
	for _, l := range all {
		dialled, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conn, err := both.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if conn.LocalAddr().String() != l.Addr().String() {
			t.Errorf("accepted at %s what came to %s", conn.LocalAddr(), l.Addr())
		}
		if err := errors.Join(conn.Close(), dialled.Close()); err != nil {
			t.Error(err)
		}
	}
	left, err := new(net.Dialer).DialContext(t.Context(), "tcp", all[1].Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // a server closes it twice
		if err := both.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := both.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept = %v, want net.ErrClosed", err)
	}
	if _, err := left.Read(make([]byte, 1)); err == nil || errors.Is(err, io.ErrNoProgress) {
		t.Error("a connection that nobody accepted stays open")
	}
	if err := left.Close(); err != nil {
		t.Error(err)
	}
}
