package main

import (
	"strconv"
	"strings"
)

// node is a leaf, or two that were joined.
type node struct {
	left, right *node
	leaf        int
	size        int     // leaves
	height      float64 // above its leaves
}

// newick writes a tree with the names of its leaves, which is 1 high.
func (n *node) newick(names []int) string {
	var out strings.Builder
	top := n.height
	if top == 0 {
		top = 1
	}
	// A tree can be as deep as it has leaves: no recursion.
	type visit struct {
		n     *node
		above float64
		step  int
	}
	stack := []visit{{n: n, above: n.height}}
	for len(stack) > 0 {
		v := &stack[len(stack)-1]
		switch {
		case v.n.left == nil:
			out.WriteString(strconv.Itoa(names[v.n.leaf]))
			v.step = 3
		case v.step == 0:
			out.WriteByte('(')
			v.step = 1
			stack = append(stack, visit{n: v.n.left, above: v.n.height})
			continue
		case v.step == 1:
			out.WriteByte(',')
			v.step = 2
			stack = append(stack, visit{n: v.n.right, above: v.n.height})
			continue
		default:
			out.WriteByte(')')
		}
		if len(stack) > 1 {
			out.WriteByte(':')
			out.WriteString(strconv.FormatFloat((v.above-v.n.height)/top, 'g', 12, 64))
		}
		stack = stack[:len(stack)-1]
	}
	out.WriteByte(';')
	return out.String()
}

// parseNewick reads what newick writes: two branches at each joint, numbers as
// names, lengths.
func parseNewick(text string, names int) (*node, error) {
	broken := func(at int) error { return invalid("the dendrogram cannot be read at character %d", at) }
	type open struct{ parts []*node }
	var stack []open
	var last *node
	seen := make(map[int]bool)
	for i := 0; i < len(text); {
		start := i
		switch c := text[i]; {
		case c == '(':
			if last != nil {
				return nil, broken(i)
			}
			stack = append(stack, open{})
			i++
			continue
		case c == ',' || c == ')':
			if last == nil || len(stack) == 0 {
				return nil, broken(i)
			}
			top := &stack[len(stack)-1]
			top.parts = append(top.parts, last)
			last = nil
			if c == ')' {
				if len(top.parts) != 2 {
					return nil, broken(i)
				}
				a, b := top.parts[0], top.parts[1]
				last = &node{left: a, right: b, size: a.size + b.size, height: max(a.height, b.height)}
				stack = stack[:len(stack)-1]
			}
			i++
		case c == ':':
			i++
			start = i
			for i < len(text) && strings.IndexByte("+-.0123456789eE", text[i]) >= 0 {
				i++
			}
			length, err := strconv.ParseFloat(text[start:i], 64)
			if err != nil || last == nil || length < -1e-9 {
				return nil, broken(start)
			}
			last.height += length // of the branch's upper end, until it is joined
		case c == ';':
			if last == nil || len(stack) > 0 || strings.TrimSpace(text[i+1:]) != "" {
				return nil, broken(i)
			}
			return last.lowered(), nil
		case '0' <= c && c <= '9':
			for i < len(text) && '0' <= text[i] && text[i] <= '9' {
				i++
			}
			leaf, err := strconv.Atoi(text[start:i])
			if err != nil || last != nil || leaf >= names || seen[leaf] {
				return nil, broken(start)
			}
			seen[leaf] = true
			last = &node{leaf: leaf, size: 1}
		default:
			return nil, broken(i)
		}
	}
	return nil, broken(len(text))
}

// lowered returns the tree with heights of joints: while it was read, height was
// that of the upper end of the branch above.
func (n *node) lowered() *node {
	var joints []*node
	for todo := []*node{n}; len(todo) > 0; {
		last := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if last.left != nil {
			joints = append(joints, last)
			todo = append(todo, last.left, last.right)
		}
	}
	for _, joint := range joints { // from the top, so that those below still have theirs
		joint.height = max(joint.left.height, joint.right.height)
	}
	return n
}

// cut returns the leaves of each part below a height.
func (n *node) cut(height float64) [][]int {
	var parts [][]int
	for todo := []*node{n}; len(todo) > 0; {
		last := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if last.left != nil && last.height > height {
			todo = append(todo, last.right, last.left)
			continue
		}
		parts = append(parts, last.leaves())
	}
	return parts
}

func (n *node) leaves() []int {
	var leaves []int
	for todo := []*node{n}; len(todo) > 0; {
		last := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if last.left == nil {
			leaves = append(leaves, last.leaf)
		} else {
			todo = append(todo, last.right, last.left)
		}
	}
	return leaves
}
