package server_test

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestTheAPIPageHasEveryOperation holds docs/api.md against the OpenAPI text, both ways.
func TestTheAPIPageHasEveryOperation(t *testing.T) {
	w := open(t)
	_, text, _ := w.ask(t, http.MethodGet, "/api/v1/openapi.json", "")
	var spec struct {
		Paths map[string]map[string]struct {
			Summary string `json:"summary"`
			Role    string `json:"x-role"`
		} `json:"paths"`
	}
	if err := json.Unmarshal([]byte(text), &spec); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{} // operation -> role
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z]+ /[^`]*)` \\| .* \\| (\\w+) \\|$").FindAllStringSubmatch(string(page), -1) {
		rows[row[1]] = row[2]
	}
	for path, methods := range spec.Paths {
		for method, op := range methods {
			name := strings.ToUpper(method) + " " + path
			switch role, there := rows[name]; {
			case !there:
				t.Errorf("docs/api.md lacks this row:\n| `%s` | %s | %s |", name, op.Summary, op.Role)
			case role != op.Role:
				t.Errorf("docs/api.md has %s for %s, which is for %s", name, role, op.Role)
			}
			delete(rows, name)
		}
	}
	for name := range rows {
		t.Errorf("docs/api.md has %s, which is not served", name)
	}
}
