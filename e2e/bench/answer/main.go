// Command answer is the service of the cold benchmarks: it starts at once and
// answers every request with the same small JSON-RPC result.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
)

func main() {
	body := []byte(`{"version":"1.1","id":"1","result":["` + strings.Repeat("x", 472) + `"]}`)
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body) // a caller that left
	})
	addr := net.JoinHostPort(os.Getenv("HOST"), os.Getenv("PORT"))
	if err := http.ListenAndServe(addr, nil); err != nil { //nolint:gosec // its one caller is the benchmark
		fmt.Fprintln(os.Stderr, "answer:", err)
		os.Exit(1)
	}
}
