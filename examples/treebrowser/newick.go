package main

import (
	"fmt"
	"strconv"
	"strings"
)

// node is a part of a tree; without children it is a leaf.
type node struct {
	name     string
	length   float64 // of the edge to its parent
	children []*node
}

// parse reads one tree in Newick format, without recursion: a tree may be deep.
func parse(text string) (*node, error) {
	root := &node{}
	at, open := root, []*node{}
	i := 0
	fault := func(format string, args ...any) (*node, error) {
		return nil, fmt.Errorf("character %d: %s", i+1, fmt.Sprintf(format, args...))
	}
	for ; i < len(text); i++ {
		switch c := text[i]; c {
		case ' ', '\t', '\r', '\n':
		case '(':
			if at.children != nil || at.name != "" {
				return fault("a ( may stand only where a subtree begins")
			}
			child := &node{}
			at.children, open, at = []*node{child}, append(open, at), child
		case ',', ')':
			if len(open) == 0 {
				return fault("a %c without a ( before it", c)
			}
			parent := open[len(open)-1]
			if c == ')' {
				at, open = parent, open[:len(open)-1]
				continue
			}
			at = &node{}
			parent.children = append(parent.children, at)
		case '[':
			end := strings.IndexByte(text[i:], ']')
			if end < 0 {
				return fault("a [ without a ]")
			}
			i += end
		case ':':
			end := i + 1 + strings.IndexAny(text[i+1:]+";", ",();[")
			length, err := strconv.ParseFloat(strings.TrimSpace(text[i+1:end]), 64)
			if err != nil || length != length || length > 1e300 || length < -1e300 {
				return fault("%.40q is no length", text[i+1:end])
			}
			at.length, i = length, end-1
		case '\'':
			end := strings.IndexByte(text[i+1:], '\'')
			if end < 0 {
				return fault("a ' without a second one")
			}
			at.name += text[i+1 : i+1+end]
			i += end + 1
		case ';':
			if len(open) > 0 {
				return fault("%d ( are still open", len(open))
			}
			if rest := strings.TrimSpace(text[i+1:]); rest != "" {
				return fault("something follows the ; that ends the tree")
			}
			return root, nil
		default:
			end := i + strings.IndexAny(text[i:]+";", " \t\r\n,():;[")
			at.name += text[i:end]
			i = end - 1
		}
	}
	return fault("a ; must end the tree")
}

// walk calls visit for each node, parents first, with its depth.
func (n *node) walk(visit func(n *node, depth int)) {
	type step struct {
		n     *node
		depth int
	}
	for todo := []step{{n, 0}}; len(todo) > 0; {
		last := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		visit(last.n, last.depth)
		for i := len(last.n.children) - 1; i >= 0; i-- {
			todo = append(todo, step{last.n.children[i], last.depth + 1})
		}
	}
}
