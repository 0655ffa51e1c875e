package server

import (
	"net/http"

	"github.com/gorilla/mux"
)

// health serves /healthz (the process lives) and /readyz (it can do its work),
// both without a token: balancers and schedulers ask them.
func (a *api) health(router *mux.Router) {
	router.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	}).Methods(http.MethodGet, http.MethodHead)
	router.HandleFunc("/readyz", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-a.Leaving:
			writeProblem(w, http.StatusServiceUnavailable, "the agent is stopping")
			return
		default:
		}
		if err := a.Store.Ping(r.Context()); err != nil {
			writeProblem(w, http.StatusServiceUnavailable, "the database does not answer")
			return
		}
		if _, fresh := a.Cluster.States(); !fresh {
			writeProblem(w, http.StatusServiceUnavailable, "the cluster has not been heard yet or for a while; ready services are still answered")
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}).Methods(http.MethodGet, http.MethodHead)
}
