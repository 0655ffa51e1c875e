// Package kidl reads KIDL, KBase's interface language: source to tokens, to a
// syntax tree, to one checked [Model] that everything else is made from (the
// catalog's pages, call checking, JSON Schema, OpenAPI, generated clients).
//
//	source --lexer--> tokens --[Parse]--> [File] --check--> [Model]
//	                                       |                 |-- [Typedef.Schema], [Module.OpenAPI]
//	                                       |-- [File.Print]  |-- [Function.FitParams]
//
// [Parse] reads one file and knows only its syntax; [Load] also reads what the
// file includes and checks what the names mean. Both report every fault they
// find as [Faults], each with file, line and column, and hand back as much as
// they understood, so that the caller decides whether to refuse or to warn.
//
// It accepts what KBase's own compiler accepts and places the first fault where
// that one does; docs/kidl.md lists the few deliberate differences. The package
// imports none of ours, starts no process and reads only from the given fs.FS.
package kidl
