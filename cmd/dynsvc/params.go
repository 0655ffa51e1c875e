package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/dynsvc/dynsvc/kidl"
)

// readParams reads parameters that are given as JSON: as they are, from a file
// ("@FILE") or from standard input ("-").
func readParams(arg string, stdin io.Reader) (json.RawMessage, error) {
	text := []byte(arg)
	switch source, err := readSource(arg, stdin); {
	case err != nil:
		return nil, err
	case source != nil:
		text = source
	}
	text = bytes.TrimSpace(text)
	if !json.Valid(text) || text[0] != '[' && text[0] != '{' {
		var what any
		err := json.Unmarshal(text, &what)
		if err == nil {
			err = fmt.Errorf("%.40s is neither", text)
		}
		return nil, usagef("the parameters have to be a JSON array, e.g. '[{\"min_length\": 500}]', or an object by name: %w", err)
	}
	return text, nil
}

// readSource reads what "@FILE" and "-" mean; nil: the argument is none of them.
func readSource(arg string, stdin io.Reader) ([]byte, error) {
	var text []byte
	var err error
	switch {
	case arg == "-":
		text, err = io.ReadAll(stdin)
	case strings.HasPrefix(arg, "@"):
		text, err = os.ReadFile(arg[1:])
	default:
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the parameters: %w", err)
	}
	if text == nil {
		text = []byte{}
	}
	return text, nil
}

// paramsFromFlags builds the parameters of a method from NAME=VALUE, with the
// help of the interface: what is to be text is taken as it is, everything else
// is JSON.
func (r *remote) paramsFromFlags(ctx context.Context, target, method string, given []string, stdin io.Reader) (json.RawMessage, error) {
	v, err := r.version(ctx, target)
	if err != nil {
		return nil, err
	}
	model := new(kidl.Model)
	path := "/api/v1/modules/" + url.PathEscape(v.Module) + "/versions/" + url.PathEscape(string(v.ID)) + "/interface"
	if err := r.do(ctx, http.MethodGet, path, nil, model); err != nil {
		return nil, err
	}
	if !strings.Contains(method, ".") {
		method = v.Module + "." + method
	}
	f, ok := model.Function(method)
	if !ok {
		return nil, usagef("%s %s has no method %s", v.Module, v.Version, method)
	}
	return buildParams(f, given, stdin)
}

// buildParams makes the list of parameters. A name is that of a parameter or,
// where the function takes one structure, of a field of it.
func buildParams(f *kidl.Function, given []string, stdin io.Reader) (json.RawMessage, error) {
	var fields []kidl.Field
	if len(f.Parameters) == 1 {
		if t := f.Parameters[0].Type.Base(); t.Kind == kidl.Structure {
			fields = t.Fields
		}
	}
	params := make([]json.RawMessage, len(f.Parameters))
	members := map[string]json.RawMessage{}
	for _, arg := range given {
		name, text, ok := strings.Cut(arg, "=")
		if !ok {
			return nil, usagef("-p %s: write NAME=VALUE, or NAME=@FILE", arg)
		}
		at := slices.IndexFunc(f.Parameters, func(p kidl.Parameter) bool { return p.Name == name })
		field := slices.IndexFunc(fields, func(f kidl.Field) bool { return f.Name == name })
		var err error
		switch {
		case at >= 0:
			params[at], err = paramValue(f.Parameters[at].Type, name, text, stdin)
		case field >= 0:
			members[name], err = paramValue(fields[field].Type, name, text, stdin)
		default:
			return nil, usagef("-p %s: %s has no such parameter: there are %s", name, f.FullName(), strings.Join(paramNames(f, fields), ", "))
		}
		if err != nil {
			return nil, err
		}
	}
	if len(fields) > 0 && params[0] == nil {
		text, err := json.Marshal(members)
		if err != nil {
			return nil, err
		}
		params[0] = text
	}
	for i, p := range params {
		if p == nil {
			return nil, usagef("%s needs the parameter %s: give -p %s=VALUE", f.FullName(), f.Parameters[i].Name, f.Parameters[i].Name)
		}
	}
	return json.Marshal(params)
}

func paramNames(f *kidl.Function, fields []kidl.Field) []string {
	var names []string
	for _, p := range f.Parameters {
		names = append(names, p.Name)
	}
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return names
}

// paramValue is one value as JSON.
func paramValue(t *kidl.Type, name, text string, stdin io.Reader) (json.RawMessage, error) {
	source, err := readSource(text, stdin)
	if err != nil {
		return nil, err
	}
	if source != nil {
		text = string(source)
	}
	if t.Base().Kind == kidl.String {
		return json.Marshal(text)
	}
	if !json.Valid([]byte(text)) {
		return nil, usagef("-p %s: %.40q is no JSON, which %s has to be", name, text, name)
	}
	return json.RawMessage(text), nil
}
