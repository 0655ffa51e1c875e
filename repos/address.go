package repos

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// Source is what is to be registered: a commit of a repository.
type Source struct {
	URL string `json:"url"`
	Ref string `json:"ref,omitempty"` // branch, tag or whole commit; empty: the repository's default branch
}

// refForm is what git check-ref-format allows and no shell or option parser minds.
var refForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./+@-]{0,254}$`)

// shortCommit is a prefix of a commit, which git servers do not resolve.
var shortCommit = regexp.MustCompile(`^[0-9a-f]{7,39}$`)

// scpForm is git's other way to write an ssh address: user@host:path.
var scpForm = regexp.MustCompile(`^([A-Za-z0-9._-]+@)?[A-Za-z0-9.-]+:[^/]`)

// check reports what is wrong with a source before anybody is asked for it.
func (s Source) check(schemes, hosts []string) error {
	if scpForm.MatchString(s.URL) && !strings.Contains(s.URL, "://") && !strings.Contains(s.URL, "::") {
		return service.Errorf(service.ErrInvalid, "the repository %q is an ssh address: write it as a URL, %s://…", s.URL, schemes[0])
	}
	u, err := url.Parse(s.URL)
	switch {
	case err != nil || u.Scheme == "" || u.Opaque != "":
		return service.Errorf(service.ErrInvalid, "the repository %q is not a URL such as https://github.com/me/module", s.URL)
	case !slices.Contains(schemes, u.Scheme):
		return service.Errorf(service.ErrDenied, "repositories are cloned by %s here, not by %s: the operator sets the schemes", strings.Join(schemes, " or "), u.Scheme)
	case u.User != nil:
		return service.Errorf(service.ErrInvalid, "the repository's URL has a user in it: a secret would be shown to everybody who reads the registration")
	case u.RawQuery != "" || u.Fragment != "":
		return service.Errorf(service.ErrInvalid, "the repository %q has a query or fragment: give the ref on its own", s.URL)
	case u.Scheme != "file" && u.Host == "":
		return service.Errorf(service.ErrInvalid, "the repository %q names no host", s.URL)
	case len(hosts) > 0 && !slices.Contains(hosts, u.Host) && !slices.Contains(hosts, u.Hostname()):
		return service.Errorf(service.ErrDenied, "repositories are cloned from %s here, not from %s: the operator sets the hosts", strings.Join(hosts, ", "), u.Host)
	}
	switch {
	case s.Ref == "":
	case !refForm.MatchString(s.Ref) || strings.Contains(s.Ref, ".."):
		return service.Errorf(service.ErrInvalid, "the ref %q is not the name of a branch or tag, nor a commit", s.Ref)
	case shortCommit.MatchString(s.Ref) && !strings.ContainsAny(s.Ref, "ghijklmnopqrstuvwxyz"):
		return service.Errorf(service.ErrInvalid, "the ref %q looks like the beginning of a commit: give all 40 digits, as git rev-parse prints them", s.Ref)
	}
	return nil
}

// same reports whether two URLs name one repository, as far as their texts tell:
// letter case of the host, a closing slash and .git do not matter.
func same(a, b string) bool { return plain(a) == plain(b) }

func plain(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return strings.ToLower(u.Host) + strings.TrimRight(strings.TrimSuffix(strings.TrimRight(u.Path, "/"), ".git"), "/")
}
