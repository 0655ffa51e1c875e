// Treebrowser is a module that is a plain HTTP server: it draws trees in Newick
// format.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	maxTree = 4 << 20
	sample  = "((Human:6,Chimp:6):2,(Gorilla:7.5,(Orangutan:5,(Gibbon:3,Siamang:3):2):2):0.5);"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	server := &http.Server{
		Addr:              os.Getenv("HOST") + ":" + cmp.Or(os.Getenv("PORT"), "5000"),
		Handler:           routes(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       3 * time.Minute,
	}
	done := make(chan error, 1)
	go func() {
		<-ctx.Done()
		done <- server.Shutdown(context.Background()) // the calls in flight end first
	}()
	log.Printf("listening on %s", server.Addr)
	err := server.ListenAndServe()
	if errors.Is(err, http.ErrServerClosed) {
		err = <-done
	}
	if err != nil {
		log.Fatal(err)
	}
}

func routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", show)
	mux.HandleFunc("POST /{$}", show)
	mux.HandleFunc("POST /parse", describe)
	return mux
}

// describe answers a tree's leaves and size.
func describe(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxTree))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	tree, err := parse(string(text))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer := struct {
		Leaves []string `json:"leaves"`
		Nodes  int      `json:"nodes"`
		Depth  int      `json:"depth"`
	}{Leaves: []string{}}
	tree.walk(func(n *node, depth int) {
		answer.Nodes++
		answer.Depth = max(answer.Depth, depth)
		if len(n.children) == 0 {
			answer.Leaves = append(answer.Leaves, n.name)
		}
	})
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // the caller may be gone
}

// drawing is a tree as lines and labels.
type drawing struct {
	Newick, Fault string
	Width, Height float64
	Lines         []struct{ X1, Y1, X2, Y2 float64 }
	Labels        []struct {
		X, Y float64
		Text string
	}
}

func show(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxTree)
	d := drawing{Newick: cmp.Or(r.FormValue("newick"), sample)}
	status := http.StatusOK
	if tree, err := parse(d.Newick); err != nil {
		d.Fault, status = err.Error(), http.StatusBadRequest
	} else {
		d.draw(tree)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = page.Execute(w, d) // the caller may be gone
}

const across, row = 600, 16 // pixels of the tree's width, of a leaf's height

// draw places leaves below each other and a parent in the middle of its
// children; edges are as long as they say, or equally long where none does.
func (d *drawing) draw(tree *node) {
	x, y := map[*node]float64{}, map[*node]float64{}
	var nodes []*node
	deepest, measured := 0.0, false
	tree.walk(func(n *node, _ int) { measured = measured || n.length > 0; nodes = append(nodes, n) })
	leaves := 0
	for _, n := range nodes { // parents first
		for _, c := range n.children {
			x[c] = x[n] + 1
			if measured {
				x[c] = x[n] + max(c.length, 0)
			}
			deepest = max(deepest, x[c])
		}
		if len(n.children) == 0 {
			leaves++
			y[n] = float64(leaves) * row
		}
	}
	scale := across / cmp.Or(deepest, 1)
	line := func(x1, y1, x2, y2 float64) {
		d.Lines = append(d.Lines, struct{ X1, Y1, X2, Y2 float64 }{8 + x1*scale, y1, 8 + x2*scale, y2})
	}
	for i := len(nodes) - 1; i >= 0; i-- { // children first
		n := nodes[i]
		if count := len(n.children); count > 0 {
			y[n] = (y[n.children[0]] + y[n.children[count-1]]) / 2
			line(x[n], y[n.children[0]], x[n], y[n.children[count-1]])
		}
		for _, c := range n.children {
			line(x[n], y[c], x[c], y[c])
		}
		d.Labels = append(d.Labels, struct {
			X, Y float64
			Text string
		}{12 + x[n]*scale, y[n] + 4, n.name})
	}
	d.Width, d.Height = across+320, float64(leaves+1)*row
}

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>TreeBrowser</title>
<style>body{font:14px sans-serif;margin:2em;max-width:60em}textarea{width:100%}line{stroke:#467}text{font-size:12px}.fault{color:#a00}</style>
<h1>TreeBrowser</h1>
<form method="post" action="?"><textarea name="newick" rows="4" aria-label="Tree in Newick format">{{.Newick}}</textarea><p><button>Draw</button></p></form>
{{with .Fault}}<p class="fault">This is no tree in Newick format: {{.}}</p>{{else}}
<svg role="img" aria-label="The tree" width="{{$.Width}}" height="{{$.Height}}">
{{range .Lines}}<line x1="{{printf "%.1f" .X1}}" y1="{{printf "%.1f" .Y1}}" x2="{{printf "%.1f" .X2}}" y2="{{printf "%.1f" .Y2}}"/>{{end}}
{{range .Labels}}{{if .Text}}<text x="{{printf "%.1f" .X}}" y="{{printf "%.1f" .Y}}">{{.Text}}</text>{{end}}{{end}}
</svg>{{end}}</html>
`))
