package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// Upload is what somebody wants registered.
type Upload struct {
	Archive io.Reader      // a tar.gz, tar or zip of the module's folder
	Files   fs.FS          // or the folder itself
	Tag     string         // moved to the version; empty: dev
	Commit  string         // git commit of the files; empty: not known
	By      service.Caller // who asks; only developers and admins may

	Repository    string // URL of the git repository that Commit is in; empty: not known
	CommitMessage string // empty: not known
	Registration  string // name of the registration from git; empty: an upload

	Building func() // called when the module's image begins to be built; nil: nobody listens

	Log io.Writer // hears what takes long, line by line; nil: nobody listens
}

// Register makes a version of an upload. What a module has already is not
// registered twice: the same contents give the same version, and only the tag
// moves.
//
// Once the version is saved, it stays. If it cannot be deployed then, that is a
// notice and no error, for it is deployed with its first call.
func (c *Catalog) Register(ctx context.Context, u Upload) (service.Version, []Notice, error) {
	s, done, err := c.take(ctx, &u)
	if err != nil {
		return service.Version{}, nil, err
	}
	defer done()
	v, notices, err := c.read(s, u)
	if err != nil {
		return service.Version{}, notices, err
	}
	if err := c.mayRegister(ctx, v.Module, u.By); err != nil {
		return service.Version{}, notices, err
	}
	more, err := c.build(ctx, s, &v, u)
	notices = append(notices, more...)
	if err != nil {
		return service.Version{}, notices, err
	}
	warnings, err := c.deployer.Check(ctx, v)
	notices = append(notices, warnings...)
	if err != nil {
		return service.Version{}, notices, err
	}
	saved, isNew, err := c.save(ctx, s, v, u)
	if err != nil {
		return service.Version{}, notices, err
	}
	if !isNew {
		notices = append(notices, already(saved, u.Tag, "was moved"))
	}
	if err := c.deployer.Deploy(ctx, saved); err != nil {
		c.log.Warn("registered but not deployed", "module", saved.Module, "service", saved.ID, "error", err)
		notices = append(notices, fmt.Sprintf("%s is registered but could not be deployed: %v; this is tried again with its first call", saved.ID, err))
	}
	c.log.Info("registered", "module", saved.Module, "version", saved.Version, "service", saved.ID, "to", u.Tag)
	return saved, notices, c.tell(ctx, saved.Module)
}

// take checks what was said of an upload and stages its files.
func (c *Catalog) take(ctx context.Context, u *Upload) (s *staged, done func(), err error) {
	c.sweep.Do(c.removeLeftovers)
	if u.Tag == "" {
		u.Tag = service.Dev
	}
	if err := service.ValidateTag(u.Tag); err != nil {
		return nil, nil, err
	}
	if u.Commit = strings.ToLower(u.Commit); u.Commit != "" && !commitHash.MatchString(u.Commit) {
		return nil, nil, service.Errorf(service.ErrInvalid, "the commit must be the 40 (or 64) hex digits that git rev-parse HEAD prints, not %.80q", u.Commit)
	}
	return c.stage(ctx, *u)
}

// read makes a version of the staged files.
func (c *Catalog) read(s *staged, u Upload) (service.Version, []Notice, error) {
	d := c.opts.Defaults
	d.Commit = u.Commit
	v, notices, err := ReadManifest(s.fsys, d)
	if err != nil {
		return service.Version{}, notices, err
	}
	if v.Digest, err = s.digest(); err != nil {
		return service.Version{}, notices, err
	}
	if v.Bundle, err = s.bundle(); err != nil {
		return service.Version{}, notices, err
	}
	v.Commit, v.Repository, v.CommitMessage, v.Registration = u.Commit, u.Repository, u.CommitMessage, u.Registration
	v.ID = service.NewID(v.Module, v.Commit, v.Digest)
	v.RegisteredAt, v.RegisteredBy = time.Now().UTC(), u.By.Who()
	return v, notices, nil
}

// mayRegister says whether somebody may register a version of a module: of a new one
// every developer, of one that is there its owners.
func (c *Catalog) mayRegister(ctx context.Context, module string, by service.Caller) error {
	m, err := c.db.Module(ctx, module)
	switch {
	case err == nil:
		return m.MayChange(by)
	case errors.Is(err, service.ErrNotFound):
		fresh := service.Module{Name: module, Owners: []string{by.Name}}
		return fresh.MayChange(by)
	}
	return err
}

// save keeps the bundle first: a version in the store always has one.
func (c *Catalog) save(ctx context.Context, s *staged, v service.Version, u Upload) (service.Version, bool, error) {
	if err := c.keep(s, v.Bundle); err != nil {
		return service.Version{}, false, err
	}
	files, err := s.texts(&v)
	if err != nil {
		return service.Version{}, false, err
	}
	r := store.Registration{Version: v, Files: files, Tags: []string{u.Tag}}
	if !u.By.IsAdmin() {
		r.Owner = u.By.Name
	}
	return c.db.SaveVersion(ctx, r)
}

// already says that a version was there before its files came again, and what was,
// or would be, done to the tag: "was moved", "would be moved".
func already(v service.Version, tag, done string) Notice {
	text := fmt.Sprintf("the same files are registered already as %s, version %s, since %s; only the tag %s %s to it",
		v.ID, v.Version, v.RegisteredAt.Format(time.DateOnly), tag, done)
	if v.Commit != "" {
		text += ", its commit stays " + v.Commit[:min(12, len(v.Commit))]
	}
	return text
}

const (
	maxTexts     = 200
	maxTextBytes = 8 << 20
)

var docFile = regexp.MustCompile(`(?i)^(readme|changelog|license)(\.[a-z]+)?$|^docs/[^/].*\.(md|txt|rst)$`)

// texts are the files that are kept in the store, to be read one by one: the
// manifest, the interface with what it may include, and the documentation.
// Documentation that is too large, too much or no text is left in the bundle.
func (t *tree) texts(v *service.Version) ([]store.File, error) {
	var kept []store.File
	total := int64(0)
	for _, f := range t.files {
		needed := f.name == v.Manifest || f.name == v.Interface
		folder := path.Dir(f.name)
		beside := (folder == "." || folder == path.Dir(v.Interface)) && path.Ext(f.name) == suffixKIDL || docFile.MatchString(f.name)
		if !needed && (!beside || f.size > store.MaxFile || len(kept) == maxTexts || total+f.size > maxTextBytes) {
			continue
		}
		content, err := readText(t.fsys, f.name, store.MaxFile)
		if err != nil {
			return nil, err
		}
		if !needed && !utf8.Valid(content) {
			continue
		}
		total += f.size
		kept = append(kept, store.File{Name: f.name, Content: content})
	}
	return kept, nil
}

// leftover is how old a file must be to belong to a registration that was cut off.
const leftover = time.Hour

// removeLeftovers removes what registrations left when the agent was killed.
func (c *Catalog) removeLeftovers() {
	entries, err := os.ReadDir(c.bundles)
	if err != nil {
		return // there is no folder yet
	}
	old := slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		info, err := e.Info()
		own := strings.HasPrefix(e.Name(), stagingPrefix)
		return err != nil || !own || time.Since(info.ModTime()) < leftover
	})
	for _, e := range old {
		if err := os.RemoveAll(filepath.Join(c.bundles, e.Name())); err != nil {
			c.log.Warn("left an old upload behind", "error", err)
		}
	}
}
