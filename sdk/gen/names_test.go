package gen

import "testing"

func TestNames(t *testing.T) {
	for _, c := range []struct{ in, snake, pascal, camel string }{
		{"filter_contigs", "filter_contigs", "FilterContigs", "filterContigs"},
		{"FilterContigs", "filter_contigs", "FilterContigs", "filterContigs"},
		{"KBaseFeatureValues", "k_base_feature_values", "KBaseFeatureValues", "kBaseFeatureValues"},
		{"getURL", "get_url", "GetURL", "getURL"},
		{"URL", "url", "URL", "url"},
		{"foo-bar$baz", "foo_bar_baz", "FooBarBaz", "fooBarBaz"},
		{"x1y2", "x1y2", "X1Y2", "x1Y2"},
		{"HTML5Report", "html5_report", "HTML5Report", "html5Report"},
		{"a__b_", "a_b", "AB", "aB"},
	} {
		if got := snake(c.in); got != c.snake {
			t.Errorf("snake(%s) = %s, want %s", c.in, got, c.snake)
		}
		if got := pascal(c.in); got != c.pascal {
			t.Errorf("pascal(%s) = %s, want %s", c.in, got, c.pascal)
		}
		if got := camel(c.in); got != c.camel {
			t.Errorf("camel(%s) = %s, want %s", c.in, got, c.camel)
		}
	}
}

func TestScope(t *testing.T) {
	s := newScope(setOf("if for"))
	for _, c := range []struct {
		names []string
		want  string
	}{
		{[]string{"a"}, "a"},
		{[]string{"a"}, "a2"},
		{[]string{"a", "b"}, "b"},
		{[]string{"a", "b"}, "b2"},
		{[]string{"if"}, "if2"},
		{[]string{"", "x"}, "x"},
	} {
		if got := s.pick(c.names...); got != c.want {
			t.Errorf("pick(%v) = %s, want %s", c.names, got, c.want)
		}
	}
}
