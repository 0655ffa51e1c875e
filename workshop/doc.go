// Package workshop is what an author does to a module's folder before it is
// registered: it lays out a new one ([Scaffold]), writes what follows from the
// interface ([Generate]), builds it ([Build]), checks it ([Check]), notices that
// it was edited ([Watcher]), and holds a running module against its example
// calls ([ReadExamples], [Example.Judge]).
//
//	Scaffold ─► folder ─► Generate ─► Build ─► Check ─► register
//	               ▲                                        │
//	               └──── edit ◄── Watcher     Examples ◄── call
//
// It starts no service and talks to no agent: cmd/dynsvc does, with local mode.
package workshop
