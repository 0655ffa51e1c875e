package jobs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/dynsvc/dynsvc/service"
)

// codeServer is JSON-RPC's code for an error that no method chose.
const codeServer = -32000

// errNoReply is an answer that is no JSON-RPC reply.
var errNoReply = errors.New("it is no JSON-RPC reply")

// wireError is an error as it is sent. Servers call the longer text data or error.
type wireError struct {
	Code    int    `json:"code"`
	Name    string `json:"name"`
	Message string `json:"message"`
	Error   any    `json:"error"`
	Data    any    `json:"data"`
}

func (e *wireError) fault() *service.JobError {
	f := &service.JobError{Code: e.Code, Name: e.Name, Message: e.Message, Data: e.Data}
	if f.Data == nil {
		f.Data = e.Error
	}
	if f.Message == "" {
		f.Message = "the method failed and did not say why"
	}
	return f
}

// emptyList is the result of a method that returns nothing.
var emptyList = json.RawMessage("[]")

// parseReply reads an answer that is in memory.
func parseReply(text []byte) (reply, error) {
	var r struct {
		Result json.RawMessage `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return reply{}, errNoReply
	}
	return conclude(r.Result, r.Error)
}

func conclude(result, fault json.RawMessage) (reply, error) {
	if len(fault) > 0 && !bytes.Equal(fault, []byte("null")) {
		var e wireError
		if err := json.Unmarshal(fault, &e); err != nil {
			return reply{}, fmt.Errorf("%w: its error is %.200q", errNoReply, fault)
		}
		return reply{fault: e.fault()}, nil
	}
	switch {
	case result == nil:
		return reply{}, errNoReply
	case bytes.Equal(result, []byte("null")):
		result = emptyList
	}
	return reply{result: result, bytes: int64(len(result))}, nil
}

// streamReply reads an answer of any size, and writes its result to to.
func streamReply(from io.Reader, to io.Writer) (reply, error) {
	m := newMembers(from)
	var fault bytes.Buffer
	var size int64
	var found bool
	err := m.each(func(key string) io.Writer {
		switch key {
		case "result":
			found = true
			return &counter{w: to, n: &size}
		case "error":
			return &bounded{&fault, faultLimit}
		}
		return io.Discard
	})
	switch {
	case err != nil:
		return reply{}, err
	case fault.Len() > 0 && fault.String() != "null":
		return conclude(nil, fault.Bytes())
	case !found:
		return reply{}, errNoReply
	}
	return reply{file: true, bytes: size}, nil
}

// faultLimit is how long an error may be.
const faultLimit = 1 << 20

type bounded struct {
	*bytes.Buffer
	most int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > b.most {
		return 0, fmt.Errorf("its error is longer than %d bytes", b.most)
	}
	return b.Buffer.Write(p)
}

type counter struct {
	w io.Writer
	n *int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	*c.n += int64(n)
	return n, err
}

// notUnderstood is why an answer ends a job without one of the method.
func notUnderstood(status int, beginning string, err error) error {
	return fmt.Errorf("the instance answered HTTP %d, but %w: %q", status, err, beginning)
}
