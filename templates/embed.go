// Package templates holds the text of the jobs that dynsvc hands to Nomad, one
// Go text template over HCL a task driver, and the parts that they share. An
// operator changes a job by putting a file of the same name into a folder of
// his own; package jobspec reads them and says what a template can write.
//
// The delimiters are [[ and ]], so that HCL's ${ } and Nomad's own {{ }} stand
// in the text as they are. No value needs quotes around it: each prints itself
// as an HCL literal.
package templates

import "embed"

// FS holds the templates that come with dynsvc.
//
//go:embed *.nomad.hcl.tmpl
var FS embed.FS
