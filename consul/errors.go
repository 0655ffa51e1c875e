package consul

import (
	"errors"
	"net/http"
	"strings"

	"github.com/hashicorp/consul/api"
)

// statusOf returns what Consul answered, if err is an answer at all.
func statusOf(err error) (code int, body string, ok bool) {
	var status api.StatusError
	if !errors.As(err, &status) {
		return 0, "", false
	}
	return status.Code, strings.TrimSpace(status.Body), true
}

func absent(err error) bool {
	code, _, ok := statusOf(err)
	return ok && code == http.StatusNotFound
}
