package sdk

import (
	"net/http"
	"strconv"
)

// head begins an answer.
func (c *call) head() {
	c.out.Reset()
	if c.v2 {
		c.out.WriteString(`{"jsonrpc":"2.0","id":`)
	} else {
		c.out.WriteString(`{"version":"1.1","id":`)
	}
	if len(c.id) == 0 {
		c.out.WriteString("null")
	}
	c.out.Write(c.id)
}

// answer sends the result that is in out, or an error instead.
func (c *call) answer(w http.ResponseWriter, status int, said *Error) {
	if said != nil {
		c.head()
		c.out.WriteString(`,"error":`)
		if err := encode(c.out, c.fault(said)); err != nil {
			panic(err) // these are texts
		}
		c.out.WriteByte('}')
	}
	h := w.Header()
	if c.module.draining.Load() {
		h.Set("Connection", "close")
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(c.out.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(c.out.Bytes()) // the caller may have left
}

// fault is an error as the request's version has it.
func (c *call) fault(e *Error) any {
	if c.v2 {
		return struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
			Data    string `json:"data"`
		}{e.code(), e.Message, e.Details}
	}
	return struct {
		Name    string `json:"name"`
		Code    int    `json:"code"`
		Message string `json:"message"`
		Details string `json:"error"`
	}{"JSONRPCError", e.code(), e.Message, e.Details}
}

func (e *Error) code() int {
	if e.Code == 0 {
		return CodeFailed
	}
	return e.Code
}
