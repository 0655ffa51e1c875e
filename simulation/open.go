package simulation

import "strings"

// Open reads a trace: "gen:" and a generator, a file of dynsvc's own samples as
// "dynsvc policy export" writes them (.jsonl or .jsonl.gz), or Azure's CSV.
func Open(name string) (*Trace, error) {
	if generator, ok := strings.CutPrefix(name, "gen:"); ok {
		return Generate(generator)
	}
	if plain := strings.TrimSuffix(name, ".gz"); strings.HasSuffix(plain, ".jsonl") {
		return Samples(name)
	}
	return Azure(name)
}
