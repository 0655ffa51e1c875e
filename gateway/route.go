package gateway

import (
	"net/url"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// route is a URL taken apart. Nothing is cleaned or decoded in rest, so what is
// behind the first segment can name nothing but a path of that service.
type route struct {
	module  string // as spelled by the caller
	ref     string
	prefix  string // escaped, without the slash at its end: /svc/M@dev
	rest    string // escaped, begins with a slash
	dynserv bool   // under DynServ
}

// root reports whether the call is for the service's root, where typed calls go.
func (r *route) root() bool { return r.rest == "/" }

// parseRoute takes apart an escaped path. It is not ok where no service can be
// meant.
func parseRoute(escaped string) (route, bool) {
	r := route{prefix: escaped, rest: "/"}
	start := Prefix
	if r.dynserv = strings.HasPrefix(escaped, DynServ); r.dynserv {
		start = DynServ
	}
	segment, ok := strings.CutPrefix(escaped, start)
	if !ok {
		return route{}, false
	}
	if slash := strings.IndexByte(segment, '/'); slash >= 0 {
		r.rest = segment[slash:]
		segment = segment[:slash]
		r.prefix = escaped[:len(start)+slash]
	}
	if strings.IndexByte(segment, '%') >= 0 {
		var err error
		if segment, err = url.PathUnescape(segment); err != nil {
			return r, false
		}
	}
	if r.dynserv {
		r.module, r.ref, ok = parseDynServ(segment)
		return r, ok && service.ValidModuleName(r.module)
	}
	r.module, r.ref, _ = strings.Cut(segment, "@")
	return r, service.ValidModuleName(r.module)
}
