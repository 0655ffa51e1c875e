package gateway

import (
	"net/url"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// route is a URL taken apart. Nothing is cleaned or decoded in rest, so what is
// behind the first segment can name nothing but a path of that service.
type route struct {
	module string // as spelled by the caller
	ref    string
	prefix string // escaped, without the slash at its end: /svc/M@dev
	rest   string // escaped, begins with a slash
}

// root reports whether the call is for the service's root, where typed calls go.
func (r *route) root() bool { return r.rest == "/" }

// parseRoute takes apart an escaped path. It is not ok where no service can be
// meant.
func parseRoute(escaped string) (route, bool) {
	segment, ok := strings.CutPrefix(escaped, Prefix)
	if !ok {
		return route{}, false
	}
	r := route{prefix: escaped, rest: "/"}
	if slash := strings.IndexByte(segment, '/'); slash >= 0 {
		r.rest = segment[slash:]
		segment = segment[:slash]
		r.prefix = escaped[:len(Prefix)+slash]
	}
	if strings.IndexByte(segment, '%') >= 0 {
		var err error
		if segment, err = url.PathUnescape(segment); err != nil {
			return route{}, false
		}
	}
	r.module, r.ref, _ = strings.Cut(segment, "@")
	return r, service.ValidModuleName(r.module)
}
