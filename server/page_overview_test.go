package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// TestTheOverviewIsReadPageByPage has more services than a page holds.
func TestTheOverviewIsReadPageByPage(t *testing.T) {
	w := open(t)
	v := w.register(t, "dev")
	for i := range 130 {
		v.Module, v.Commit = fmt.Sprintf("Module%03d", i), fmt.Sprintf("%040x", i)
		v.ID = service.NewID(v.Module, v.Commit, "")
		if _, _, err := w.db.SaveVersion(t.Context(), store.Registration{Version: v, Tags: []string{service.Dev}}); err != nil {
			t.Fatal(err)
		}
	}
	w.cluster.counts[v.ID] = 2 // the last by name runs
	read := func(query string) string {
		_, page, _ := w.browse(t, token, http.MethodGet, "/console"+query)
		return page
	}
	for _, tt := range []struct {
		query      string
		has, lacks []string
	}{
		{"", []string{"1 of 131 run", "1 to 100 of 131", `id="next" href="/console?page=2&amp;q="`, ">Module129<", ">Hello<"}, []string{`id="before"`, ">Module128<"}},
		{"?page=2", []string{"101 to 131 of 131", `id="before"`, ">Module128<"}, []string{`id="next"`, ">Module129<"}},
		{"?page=99", []string{"101 to 131 of 131"}, nil},
		{"?page=x", []string{"1 to 100 of 131"}, nil},
		{"?q=MODULE01", []string{"1 to 10 of 10 that match", ">Module010<"}, []string{">Hello<", `id="next"`}},
		{"?q=hello+1.0.0+dev+idle", []string{"1 to 1 of 1 that match", ">Hello<"}, []string{">Module0"}},
		{"?q=%3Cb%3E", []string{"No service matches <q>&lt;b&gt;</q>"}, []string{"<b>", "<table"}},
	} {
		page := read(tt.query)
		for _, words := range tt.has {
			if !strings.Contains(page, words) {
				t.Errorf("%q lacks %s", tt.query, words)
			}
		}
		for _, words := range tt.lacks {
			if strings.Contains(page, words) {
				t.Errorf("%q has %s", tt.query, words)
			}
		}
	}
}
