package server

import (
	"net/http"
	"regexp"

	"github.com/gorilla/mux"
)

// BundlePath is where nodes download the uploaded files of modules that run a
// program: BundlePath/<sha256>.tar.gz. It needs no token, for Nomad's clients have
// none; the name is the checksum, which only who may read the job knows.
const BundlePath = "/bundles"

var bundleName = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (a *api) bundles(router *mux.Router) {
	router.HandleFunc(BundlePath+"/{sum}.tar.gz", func(w http.ResponseWriter, r *http.Request) {
		sum := mux.Vars(r)["sum"]
		if !bundleName.MatchString(sum) {
			notFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/gzip")
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		http.ServeFile(w, r, a.Catalog.Bundle("sha256:"+sum))
	}).Methods(http.MethodGet, http.MethodHead)
}
