package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestParseEndpoint(t *testing.T) {
	for _, tt := range []struct {
		tree string
		code int
		want string
	}{
		{"((A:1,B:2):1,C:3);", 200, `{"leaves":["A","B","C"],"nodes":5,"depth":2}`},
		{"A;", 200, `{"leaves":["A"],"nodes":1,"depth":0}`},
		{" ( 'a b' , b|2009 [comment] :1e-3 , ) root : 0 ;\n", 200, `{"leaves":["a b","b|2009",""],"nodes":4,"depth":1}`},
		{"(a,b)1.0000:0.3;", 200, `"depth":1}`},
		{"", 400, "character 1: a ; must end the tree"},
		{"(A,B;", 400, "1 ( are still open"},
		{"A,B;", 400, "character 2: a , without a ("},
		{"(A:x);", 400, `" no length`[1:]},
		{"(A)B(C);", 400, "where a subtree begins"},
		{"(A); x", 400, "follows"},
		{"('A);", 400, "second"},
		{"[A;", 400, "without a ]"},
		{strings.Repeat("(", 100_000) + strings.Repeat(")", 100_000) + ";", 200, `"depth":100000`},
	} {
		w := httptest.NewRecorder()
		routes().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/parse", strings.NewReader(tt.tree)))
		if w.Code != tt.code || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%.40q: %d %.200s, want %d with %s", tt.tree, w.Code, w.Body, tt.code, tt.want)
		}
	}
}

func TestPage(t *testing.T) {
	for _, tt := range []struct {
		query, want string
		code        int
	}{
		{"", ">Gorilla</text>", 200},
		{"?newick=" + url.QueryEscape("(<b>:1,c);"), ">&lt;b&gt;</text>", 200},
		{"?newick=(", "This is no tree", 400},
	} {
		w := httptest.NewRecorder()
		routes().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/"+tt.query, nil))
		if w.Code != tt.code || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%q: %d %s", tt.query, w.Code, w.Body)
		}
	}
}
