package kidl

// Model is what an interface means: the modules of one file, checked, with
// everything they refer to. Its JSON form is documented in docs/kidl.md and
// reads back into an equal model.
type Model struct {
	// File is the name of the main file.
	File string `json:"file"`
	// Modules are those of the main file, in its order.
	Modules []*Module `json:"modules"`
	// Included are the modules of included files, each after those that it
	// refers to. They are there to look types up; their functions are not
	// part of this interface.
	Included []*Module `json:"included,omitempty"`
	// Warnings are about what is legal and probably not meant.
	Warnings Faults `json:"warnings,omitempty"`
}

// Module is one module with its types and functions in the order of the source.
type Module struct {
	Name      string      `json:"name"`
	Service   string      `json:"service"` // groups modules; the module's own name unless the source says otherwise
	Doc       string      `json:"doc"`
	File      string      `json:"file"`
	At        Position    `json:"at"`
	Types     []*Typedef  `json:"types"`
	Functions []*Function `json:"functions"`
}

// Typedef is a named type.
type Typedef struct {
	Module      string      `json:"module"`
	Name        string      `json:"name"`
	Doc         string      `json:"doc"`
	Type        *Type       `json:"type"`
	Annotations Annotations `json:"annotations"`
	At          Position    `json:"at"` // of the name

	root  *Typedef // where a chain of typedefs ends: the first whose type is no reference
	depth int      // of the types that it builds on, and itself
	mark  linkMark
}

// FullName is Module.Name.
func (t *Typedef) FullName() string { return t.Module + "." + t.Name }

// Function is one function of a module.
type Function struct {
	Module         string      `json:"module"`
	Name           string      `json:"name"`
	Doc            string      `json:"doc"`
	Async          bool        `json:"async"`
	Authentication string      `json:"authentication"` // required, optional, none
	Parameters     []Parameter `json:"parameters"`
	Results        []Parameter `json:"results"`
	Annotations    Annotations `json:"annotations"`
	At             Position    `json:"at"` // of the name
}

// FullName is Module.Name, the method of a call.
func (f *Function) FullName() string { return f.Module + "." + f.Name }

// Parameter is a parameter or result of a function or an element of a tuple.
type Parameter struct {
	// Name is what generated code calls it; no two of a list are equal.
	Name string `json:"name"`
	// Declared is the name in the source, empty where there is none.
	Declared string `json:"declared,omitempty"`
	Type     *Type  `json:"type"`
}

// Field is one field of a structure.
type Field struct {
	Name     string   `json:"name"`
	Type     *Type    `json:"type"`
	Optional bool     `json:"optional,omitempty"` // by @optional of the typedef
	At       Position `json:"at"`
}

// Module finds a module of the main file by name.
func (m *Model) Module(name string) (*Module, bool) {
	for _, mod := range m.Modules {
		if mod.Name == name {
			return mod, true
		}
	}
	return nil, false
}

// Function finds a function of the main file by its full name, e.g. Mod.run.
func (m *Model) Function(full string) (*Function, bool) {
	for _, mod := range m.Modules {
		for _, f := range mod.Functions {
			if len(full) == len(mod.Name)+1+len(f.Name) && full == f.FullName() {
				return f, true
			}
		}
	}
	return nil, false
}

// Typedef finds a type by its full name, also among the included modules.
func (m *Model) Typedef(full string) (*Typedef, bool) {
	for _, list := range [][]*Module{m.Modules, m.Included} {
		for _, mod := range list {
			for _, t := range mod.Types {
				if full == t.FullName() {
					return t, true
				}
			}
		}
	}
	return nil, false
}
