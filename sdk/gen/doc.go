// Package gen writes programs from an interface: clients that call a module from
// Go, Python, TypeScript, JavaScript, Java, Perl and R, and the frame of a module
// in Go, Python and JavaScript.
//
//	[kidl.Model] --unit--> names and types of one language --template--> [File]s
//
// [Generate] touches no disk and asks nobody; the same model and options give the
// same bytes. A generator sees the checked model alone, never the source. What it
// decides (names, types, docs) is Go in the file of its language; what the code
// looks like stands in templates/<language>.
//
// Every client is one folder, named after the package: a runtime that is the same
// for every module, and the module's own types and methods. It needs nothing but
// the language's usual library. All clients offer the same: for each function a
// call that waits for the answer, a job that is submitted, checked, waited for
// and cancelled, and a run that does both ends of a job.
//
// The package does not read interfaces, does not write files, and does not decide
// which version a client calls.
package gen
