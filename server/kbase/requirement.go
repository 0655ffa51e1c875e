package kbase

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// A requirement is what KBase's clients may ask for in place of a version, in the
// grammar of Python's semantic_version: clauses joined by commas without blanks,
// each an operator and a version that may be partial. Pre-releases take part like
// all versions, with one exception: below 1.1.0 are none of 1.1.0's own.
type requirement []clause

// clause holds where any of its ranges does.
type clause []interval

// interval is from <= v < to; nil bounds are open.
type interval struct {
	from, to             *semver.Version
	fromOpen, toIncluded bool
	build                string // where not empty, the one that v must have
}

var clauseForm = regexp.MustCompile(`^(<=|<|>=|>|==|=|!=|\^|~=|~|)(\*|0|[1-9][0-9]*)(?:\.(\*|0|[1-9][0-9]*)(?:\.(\*|0|[1-9][0-9]*)(?:-([0-9A-Za-z.-]*))?(?:\+([0-9A-Za-z.-]*))?)?)?$`)

// parseRequirement is not ok where a reference is no requirement.
func parseRequirement(text string) (requirement, bool) {
	var r requirement
	for part := range strings.SplitSeq(text, ",") {
		c, ok := parseClause(part)
		if !ok {
			return nil, false
		}
		r = append(r, c)
	}
	return r, true
}

// partial is a clause's version: how many of its numbers are given, and the
// version with zeros for the rest.
type partial struct {
	given int
	from  *semver.Version
	build string
}

func parsePartial(numbers []string, pre, build string) (partial, bool) {
	p := partial{build: build}
	text := ""
	for i, n := range numbers {
		if n == "" || n == "*" {
			break
		}
		if _, err := strconv.ParseUint(n, 10, 63); err != nil {
			return p, false
		}
		p.given = i + 1
	}
	for i := range 3 {
		n := "0"
		if i < p.given {
			n = numbers[i]
		}
		text += "." + n
	}
	if pre != "" {
		text += "-" + pre
	}
	if p.given < 3 && (pre != "" || build != "") {
		return p, false
	}
	v, err := semver.StrictNewVersion(text[1:])
	p.from = v
	return p, err == nil
}

// after is the first version past those that so many numbers of the version cover.
// As in the reference, a pre-release of a round version is covered by that alone.
func (p *partial) after(numbers int) *semver.Version {
	v := p.from
	pre := v.Prerelease() != ""
	switch {
	case pre && numbers == 1 && v.Minor() == 0 && v.Patch() == 0, pre && numbers == 2 && v.Patch() == 0, pre && numbers == 3:
		return semver.New(v.Major(), v.Minor(), v.Patch(), "", "")
	case numbers == 1:
		return semver.New(v.Major()+1, 0, 0, "", "")
	case numbers == 2:
		return semver.New(v.Major(), v.Minor()+1, 0, "", "")
	}
	return semver.New(v.Major(), v.Minor(), v.Patch()+1, "", "")
}

func parseClause(text string) (clause, bool) {
	m := clauseForm.FindStringSubmatch(text)
	if m == nil {
		return nil, false
	}
	p, ok := parsePartial(m[2:5], m[5], m[6])
	if !ok {
		return nil, false
	}
	op := m[1]
	switch {
	case p.given == 0 && op != "" && op != "=" && op != "==" && op != ">=":
		return nil, false
	case p.build != "" && op != "" && op != "=" && op != "==" && op != "!=":
		return nil, false
	}
	v := p.from
	switch op {
	case "<":
		return clause{{to: v}}, true
	case "<=":
		if p.given < 3 {
			return clause{{to: p.after(p.given)}}, true
		}
		return clause{{to: v, toIncluded: true}}, true
	case ">":
		if p.given < 3 {
			return clause{{from: p.after(p.given)}}, true
		}
		return clause{{from: v, fromOpen: true}}, true
	case ">=":
		return clause{{from: v}}, true
	case "^":
		return clause{{from: v, to: p.after(significant(v))}}, true
	case "~":
		return clause{{from: v, to: p.after(min(p.given, 2))}}, true
	case "~=":
		return clause{{from: v, to: p.after(max(1, p.given-1))}}, true
	case "!=":
		if p.given < 3 {
			return clause{{to: v}, {from: p.after(p.given)}}, true
		}
		return clause{{to: v}, {from: v, fromOpen: true}}, true
	}
	switch {
	case p.given == 0:
		return clause{{from: v}}, true
	case p.given < 3:
		return clause{{from: v, to: p.after(p.given)}}, true
	}
	return clause{{from: v, to: v, toIncluded: true, build: p.build}}, true
}

// significant is the place of the first number that is not zero; 3 where all are.
func significant(v *semver.Version) int {
	switch {
	case v.Major() > 0:
		return 1
	case v.Minor() > 0:
		return 2
	}
	return 3
}

func (r requirement) holds(v *semver.Version) bool {
	for _, c := range r {
		any := false
		for _, i := range c {
			any = any || i.holds(v)
		}
		if !any {
			return false
		}
	}
	return true
}

func (i *interval) holds(v *semver.Version) bool {
	if i.build != "" && v.Metadata() != i.build {
		return false
	}
	if i.from != nil {
		if c := v.Compare(i.from); c < 0 || c == 0 && i.fromOpen {
			return false
		}
	}
	if i.to == nil {
		return true
	}
	c := v.Compare(i.to)
	if c == 0 {
		return i.toIncluded
	}
	own := v.Prerelease() != "" && i.to.Prerelease() == "" && !i.toIncluded &&
		v.Major() == i.to.Major() && v.Minor() == i.to.Minor() && v.Patch() == i.to.Patch()
	return c < 0 && !own
}
