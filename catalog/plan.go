package catalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/dynsvc/dynsvc/service"
)

// Plan is what [Catalog.Register] would make of an upload, or the error that it would
// refuse it with. Nothing is stored, built or run. isNew is false where the version is
// there already.
func (c *Catalog) Plan(ctx context.Context, u Upload) (v service.Version, isNew bool, notices []Notice, err error) {
	s, done, err := c.take(ctx, &u)
	if err != nil {
		return v, false, nil, err
	}
	defer done()
	if v, notices, err = c.read(s, u); err != nil {
		return v, false, notices, err
	}
	if err := c.mayRegister(ctx, v.Module, u.By); err != nil {
		return v, false, notices, err
	}
	same, err := c.db.VersionByDigest(ctx, v.Module, v.Digest)
	if err == nil {
		return same, false, append(notices, already(same, u.Tag, "would be moved")), nil
	}
	if !errors.Is(err, service.ErrNotFound) {
		return v, false, notices, err
	}
	if err := c.db.CheckVersion(ctx, v); err != nil {
		return v, false, notices, err
	}
	built, more, err := c.built(s, v)
	notices = append(notices, more...)
	if err != nil {
		return v, false, notices, err
	}
	if built {
		leaveUnbuilt(&v)
		notices = append(notices, fmt.Sprintf("its image is built from %s when it is registered; %s stands for it here", v.Run.Dockerfile, unbuilt))
	}
	warnings, err := c.deployer.Check(ctx, v)
	return v, true, append(notices, warnings...), err
}
