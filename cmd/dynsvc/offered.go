package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/workshop"
)

// offered is a version that somebody new can try.
type offered struct {
	version service.Version
	files   fs.FS // it came from
}

// longestSample is how much of parameters a line to paste may have.
const longestSample = 400

// sampleCall is a line to paste: the first of the module's example calls that succeeds.
func (o offered) sampleCall(base string) string {
	v := &o.version
	if v.Interface == "" {
		return "curl -s " + base + "/svc/" + v.Module + "/"
	}
	method, params := "status", "[]"
	examples, _ := workshop.ReadExamples(o.files) // what is wrong with one, dynsvc test says
	for _, e := range examples {
		var list bytes.Buffer
		if e.Error == nil && bytes.HasPrefix(e.Params, []byte("[")) && json.Compact(&list, e.Params) == nil && list.Len() <= longestSample {
			method, params = e.Method, strings.ReplaceAll(list.String(), "'", `'\''`)
			break
		}
	}
	return fmt.Sprintf(`curl -s %s/svc/%s -d '{"version": "1.1", "id": "1", "method": "%s.%s", "params": %s}'`, base, v.Module, v.Module, method, params)
}
