package kidl

// File is the syntax tree of one source file, with all its comments. It says
// what is written, not what it means; [Load] checks that.
type File struct {
	Name     string
	Includes []*IncludeLine
	Modules  []*ModuleDecl
	Comments []Comment // in the order of the source

	trailing *Comment // the comment a module that includes this file may inherit
	inherit  bool     // the first module has no comment of its own since the last include
	faulty   bool
}

// Comment is one comment of the source.
type Comment struct {
	At       Position
	Text     string // with its delimiters
	Before   int    // it stands before the file's token of this number, from 0
	Trailing bool   // it begins on the line on which the token before it ends
}

// IncludeLine is one #include <path>.
type IncludeLine struct {
	At   Position
	Path string // as written between the angle brackets
}

// Ident is a name where it stands.
type Ident struct {
	At   Position
	Text string
}

// ModuleDecl is one module { … }; of a file.
type ModuleDecl struct {
	Service    *Ident // nil where only the module is named
	Name       Ident
	Doc        *Comment
	Components []Component

	broken map[string]bool // types whose definitions did not parse: using them is no further fault
}

// Component is a part of a module: a [*TypedefDecl], [*FuncDecl] or [*AuthDecl].
type Component interface{ component() }

// TypedefDecl is typedef Type Name;
type TypedefDecl struct {
	Name Ident
	Doc  *Comment
	Type *TypeExpr
	End  Position // of the semicolon
}

// FuncDecl is funcdef Name(Params) returns (Results);
type FuncDecl struct {
	Name    Ident
	Doc     *Comment
	Async   bool
	Params  []ParamExpr
	Results []ParamExpr
	Auth    string   // required, optional, none; empty where the function does not say
	Open    Position // of the bracket after the name
	End     Position // of the semicolon
}

// AuthDecl is authentication Level; for the functions that follow it.
type AuthDecl struct {
	Level string
}

// fragment is what is left of a component that does not parse. It is kept because
// a name before the fault may be wrong, too.
type fragment struct {
	refs     []*TypeExpr
	function *FuncDecl // as far as it goes
}

func (*fragment) component()    {}
func (*TypedefDecl) component() {}
func (*FuncDecl) component()    {}
func (*AuthDecl) component()    {}

// TypeExpr is a type as written.
type TypeExpr struct {
	At     Position
	Kind   Kind        // [Named] for a reference to a typedef
	Module *Ident      // of a reference, where given
	Name   Ident       // of a reference
	Params []ParamExpr // of a list one, of a mapping two, of a tuple all
	Fields []FieldExpr // of a structure

	unsure bool        // the lexer has complained next to it: say nothing more if it is unknown
	lost   []*TypeExpr // of a structure: references in fields that do not parse
	fault  int         // number, from 1, of the file's fault about the token after the reference
}

// ParamExpr is a type with a name that may be missing.
type ParamExpr struct {
	Type *TypeExpr
	Name *Ident
}

// FieldExpr is one field of a structure.
type FieldExpr struct {
	Type *TypeExpr
	Name Ident
	End  Position // of the semicolon
}
