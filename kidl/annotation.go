package kidl

import (
	"errors"
	"fmt"
	"strings"
)

// Annotations are what the lines of a doc say whose first word begins with @.
// The first six mean something on a typedef; on a function only Deprecated does
// and the others count as unknown.
type Annotations struct {
	Optional   []string            `json:"optional,omitempty"`   // fields of a structure that may be missing
	ID         *IDAnnotation       `json:"id,omitempty"`         // what a string identifies
	Range      *Range              `json:"range,omitempty"`      // bounds of a number
	Deprecated *Deprecation        `json:"deprecated,omitempty"` // not to be used any more
	Metadata   []Metadata          `json:"metadata,omitempty"`   // what the workspace extracts from an object
	Searchable *Searchable         `json:"searchable,omitempty"` // what the workspace indexes of an object
	Unknown    map[string][]string `json:"unknown,omitempty"`    // all others: words by name, the last line wins
}

// IDAnnotation is @id Type Attributes…
type IDAnnotation struct {
	Type       string   `json:"type"`
	Attributes []string `json:"attributes"`
}

// Deprecation is @deprecated [Replacement].
type Deprecation struct {
	Replacement string `json:"replacement,omitempty"`
}

// annotated is a line of a doc that is an annotation.
type annotated struct {
	name  string
	words []string
}

// annotatedLines finds the annotations of a doc.
func annotatedLines(doc string) []annotated {
	if !strings.Contains(doc, "@") {
		return nil
	}
	var all []annotated
	for line := range strings.Lines(doc) {
		words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(blanks, r) })
		if len(words) > 0 && strings.HasPrefix(words[0], "@") {
			all = append(all, annotated{words[0][1:], words[1:]})
		}
	}
	return all
}

// functionAnnotations reads those of a function.
func functionAnnotations(doc string) (a Annotations, faults []error) {
	for _, line := range annotatedLines(doc) {
		if line.name != "deprecated" {
			a.unknown(line)
		} else if err := a.deprecated(line.words); err != nil {
			faults = append(faults, err)
		}
	}
	return a, faults
}

// typeAnnotations reads those of a typedef for the type t.
func typeAnnotations(doc string, t *Type) (a Annotations, faults []error) {
	taken := map[string]bool{} // names of metadata
	for _, line := range annotatedLines(doc) {
		var err error
		switch line.name {
		case "optional":
			a.Optional = append(a.Optional, line.words...)
		case "deprecated":
			err = a.deprecated(line.words)
		case "id":
			err = a.id(line.words)
		case "range":
			a.Range, err = parseRange(line.words)
		case "metadata":
			err = a.metadata(line.words, t, taken)
		case "searchable":
			err = a.searchable(line.words, t)
		default:
			a.unknown(line)
		}
		if err != nil {
			faults = append(faults, err)
		}
	}
	if t.Kind == Structure {
		if err := a.applyOptional(t); err != nil {
			faults = append(faults, err)
		}
	}
	return a, faults
}

func (a *Annotations) unknown(line annotated) {
	if a.Unknown == nil {
		a.Unknown = map[string][]string{}
	}
	a.Unknown[line.name] = append([]string{}, line.words...)
}

func (a *Annotations) deprecated(words []string) error {
	if a.Deprecated == nil {
		a.Deprecated = &Deprecation{}
	}
	switch len(words) {
	case 0:
	case 1:
		a.Deprecated.Replacement = words[0]
	default:
		return fmt.Errorf("@deprecated takes at most one word, the replacement's name, found %d: move the explanation to a line of its own", len(words))
	}
	return nil
}

func (a *Annotations) id(words []string) error {
	if len(words) == 0 {
		return errors.New("@id needs a type, such as ws, kb, handle, shock or external")
	}
	a.ID = &IDAnnotation{Type: words[0], Attributes: append([]string{}, words[1:]...)}
	return nil
}

// applyOptional marks the fields and complains about names that are none.
func (a *Annotations) applyOptional(t *Type) error {
	var unknown, known []string
	seen := map[string]bool{}
	for _, name := range a.Optional {
		if i, ok := t.index[name]; ok {
			t.Fields[i].Optional = true
		} else if !seen[name] {
			seen[name] = true
			unknown = append(unknown, name)
		}
	}
	if unknown == nil {
		return nil
	}
	for _, f := range t.Fields {
		known = append(known, f.Name)
	}
	how := nearest(unknown[0], known)
	if strings.Contains(strings.Join(unknown, ""), ",") {
		how = "; separate the names by blanks, without commas"
	}
	return fmt.Errorf("@optional names what is no field of the structure: %s%s", strings.Join(unknown, " "), how)
}
