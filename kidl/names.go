package kidl

// nameParameters names the parameters of a function as generated code does: the
// given name, else the name of a typedef, else arg_N.
func nameParameters(list []Parameter) {
	for i := range list {
		p := &list[i]
		switch p.Name = p.Declared; {
		case p.Name != "":
		case p.Type.def != nil:
			p.Name = p.Type.def.Name
		default:
			p.Name = "arg_" + itoa(i+1)
		}
	}
	distinct(list)
}

// nameResults names what a function returns: the given name, else return for a
// single one and return_N for several.
func nameResults(list []Parameter) {
	for i := range list {
		p := &list[i]
		switch p.Name = p.Declared; {
		case p.Name != "":
		case len(list) == 1:
			p.Name = "return"
		default:
			p.Name = "return_" + itoa(i+1)
		}
	}
	distinct(list)
}

// nameElements names the elements of a tuple: the given name, else e_N.
func nameElements(list []Parameter) {
	for i := range list {
		p := &list[i]
		if p.Name = p.Declared; p.Name == "" {
			p.Name = "e_" + itoa(i+1)
		}
	}
	distinct(list)
}

// distinct gives names that occur more than once the suffixes _1, _2, … A
// suffix is left out where the name that it makes is taken already.
func distinct(list []Parameter) {
	count := make(map[string]int, len(list))
	for _, p := range list {
		count[p.Name]++
	}
	if len(count) == len(list) {
		return
	}
	suffix := map[string]int{}
	for i := range list {
		name := list[i].Name
		if count[name] < 2 {
			continue
		}
		for {
			suffix[name]++
			list[i].Name = name + "_" + itoa(suffix[name])
			if count[list[i].Name] == 0 {
				break
			}
		}
		count[list[i].Name] = 1
	}
}
