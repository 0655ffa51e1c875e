package kidl

import "slices"

// FitNamedParams is [Function.FitParams] for parameters by name, a JSON object
// as JSON-RPC 2.0 has it. A path begins with the name: $.genome.contigs[3].
func (f *Function) FitNamedParams(params []byte, most int) Misfits {
	return fit(params, most, func(w *fitter, i int) { w.named(i, f.Parameters) })
}

// named checks an object whose members are parameters.
func (w *fitter) named(i int, list []Parameter) {
	if w.text[i] != '{' {
		w.misfit(i, "expected an object of %s%s, found %s", count(len(list), "parameter"), names(list), w.describe(i))
		return
	}
	there := make([]bool, len(list))
	w.path = []segment{{}}
	for i = w.space(i + 1); !w.full() && w.text[i] != '}'; i = w.more(i) {
		end := w.skip(i)
		key := w.text[i:end]
		w.path[0] = segment{key: key}
		i = w.colon(end)
		at := slices.IndexFunc(list, func(p Parameter) bool { return p.Name == unquoted(key) })
		if at < 0 {
			i = w.misfit(i, "is no parameter: expected %s%s", count(len(list), "parameter"), names(list))
			continue
		}
		there[at] = true
		i = w.value(i, list[at].Type)
	}
	for at, p := range list {
		if !there[at] {
			w.path[0] = segment{key: quoted(p.Name)}
			w.note("is missing: expected %s%s", count(len(list), "parameter"), names(list))
		}
	}
}
