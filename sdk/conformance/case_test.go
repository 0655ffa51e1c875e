package conformance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds everything that a runtime is waited for.
const patience = 30 * time.Second

// testCase is one line of cases.json; the README beside it says what means what.
type testCase struct {
	Name string `json:"name"`
	Send struct {
		Method  string            `json:"method"`
		Path    string            `json:"path"`
		Headers map[string]string `json:"headers"`
		JSON    json.RawMessage   `json:"json"`
		Text    *string           `json:"text"`
		Base64  []byte            `json:"base64"`
		Raw     string            `json:"raw"`
		Fill    map[string][2]any `json:"fill"`
	} `json:"send"`
	Want struct {
		Status    any               `json:"status"`
		Headers   map[string]string `json:"headers"`
		NoHeaders []string          `json:"no_headers"`
		JSON      any               `json:"json"`
		Absent    []string          `json:"absent"`
		Says      []string          `json:"says"`
		Hides     []string          `json:"hides"`
		Closes    bool              `json:"closes"`
		Answers   int               `json:"answers"`
	} `json:"want"`
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func readCases(t *testing.T) []testCase {
	t.Helper()
	text, err := os.ReadFile("cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []testCase
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

func TestCases(t *testing.T) {
	cases := readCases(t)
	eachRuntime(t, func(t *testing.T, rt runtime) {
		e := start(t, rt)
		for _, c := range cases {
			t.Run(c.Name, func(t *testing.T) {
				var a answer
				if c.Send.Raw != "" {
					a = e.askRaw(t, &c)
				} else {
					a = e.ask(t, &c)
				}
				c.check(t, a)
			})
		}
	})
}

func (e *echo) ask(t *testing.T, c *testCase) answer {
	var body []byte
	switch {
	case c.Send.JSON != nil:
		body = c.Send.JSON
	case c.Send.Text != nil:
		body = []byte(c.filled(*c.Send.Text))
	case c.Send.Base64 != nil:
		body = c.Send.Base64
	}
	method := c.Send.Method
	if method == "" {
		method = http.MethodPost
	}
	path := c.Send.Path
	if path == "" {
		path = "/"
	}
	req, err := http.NewRequestWithContext(t.Context(), method, e.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range c.Send.Headers {
		req.Header[name] = []string{value} // in the case's own spelling
	}
	return e.do(t, req)
}

// askRaw writes text to a connection and reads the answers that want tells of.
func (e *echo) askRaw(t *testing.T, c *testCase) answer {
	conn := e.dial(t)
	if _, err := conn.Write([]byte(c.filled(c.Send.Raw))); err != nil &&
		!errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) { // it has read enough
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	var a answer
	for range max(c.Want.Answers, 1) {
		a = readAnswer(t, r)
	}
	if _, err := r.ReadByte(); c.Want.Closes && !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("after the answer: %v, want the end of the connection", err)
	}
	return a
}

func (e *echo) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: patience}).DialContext(t.Context(), "tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // only read from
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func readAnswer(t *testing.T, r *bufio.Reader) answer {
	t.Helper()
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, body}
}

func (e *echo) do(t *testing.T, req *http.Request) answer {
	t.Helper()
	resp, err := e.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, body}
}

func (c *testCase) filled(text string) string {
	for word, fill := range c.Send.Fill {
		text = strings.ReplaceAll(text, word, strings.Repeat(fill[0].(string), int(fill[1].(float64))))
	}
	return text
}

func (c *testCase) check(t *testing.T, a answer) {
	t.Helper()
	statuses, ok := c.Want.Status.([]any)
	if !ok {
		statuses = []any{c.Want.Status}
	}
	if !slices.Contains(statuses, any(float64(a.status))) {
		t.Errorf("status %d, want %v: %.300s", a.status, c.Want.Status, a.body)
	}
	for name, value := range c.Want.Headers {
		if got := a.header.Get(name); got != value {
			t.Errorf("header %s is %q, want %q", name, got, value)
		}
	}
	for _, name := range c.Want.NoHeaders {
		if got, ok := a.header[http.CanonicalHeaderKey(name)]; ok {
			t.Errorf("header %s is %q", name, got)
		}
	}
	for _, hidden := range c.Want.Hides {
		if bytes.Contains(a.body, []byte(hidden)) {
			t.Errorf("%q stands in %s", hidden, a.body)
		}
	}
	var body any
	err := json.Unmarshal(a.body, &body) // a refusal by HTTP alone may be plain text
	if c.Want.JSON != nil {
		if err != nil {
			t.Fatalf("the body is no JSON: %v: %.300s", err, a.body)
		}
		for _, misfit := range misfits(body, c.Want.JSON, "") {
			t.Error(misfit)
		}
	}
	for _, path := range c.Want.Absent {
		if _, ok := member(body, path); ok {
			t.Errorf("%s is there: %.300s", path, a.body)
		}
	}
	message := string(a.body)
	if said, ok := member(body, "error.message"); ok {
		message = fmt.Sprint(said)
	}
	for _, part := range c.Want.Says {
		if !strings.Contains(message, part) {
			t.Errorf("%q does not stand in %q", part, message)
		}
	}
}

// misfits says where got lacks what want asks for.
func misfits(got, want any, where string) []string {
	if want == "<text>" {
		if text, ok := got.(string); ok && text != "" {
			return nil
		}
		return []string{fmt.Sprintf("%s is %v, want a text", where, got)}
	}
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			break
		}
		var all []string
		for key, value := range want {
			if own, ok := object[key]; ok {
				all = append(all, misfits(own, value, where+"."+key)...)
			} else {
				all = append(all, fmt.Sprintf("%s.%s is missing in %v", where, key, got))
			}
		}
		return all
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			break
		}
		var all []string
		for i, value := range want {
			all = append(all, misfits(list[i], value, fmt.Sprintf("%s[%d]", where, i))...)
		}
		return all
	}
	if reflect.DeepEqual(got, want) {
		return nil
	}
	return []string{fmt.Sprintf("%s is %#v, want %#v", where, got, want)}
}

// member looks up a path such as error.data.
func member(value any, path string) (any, bool) {
	for name := range strings.SplitSeq(path, ".") {
		object, ok := value.(map[string]any)
		if !ok {
			return nil, false
		}
		if value, ok = object[name]; !ok {
			return nil, false
		}
	}
	return value, true
}

// within gives a context that ends with the test, or when patience does.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}
