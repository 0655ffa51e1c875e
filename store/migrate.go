package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/pressly/goose/v3"

	"github.com/dynsvc/dynsvc/service"
)

// A migration is never edited once it was released: a further one is added, with
// a copy of the schema before it in testdata.
//
//go:embed migrations/*.sql
var migrations embed.FS

// migrate runs the migrations that the file does not have yet, each in its own
// transaction.
func migrate(ctx context.Context, writer *sql.DB, log hclog.Logger) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, writer, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	from, to, err := p.GetVersions(ctx)
	if err != nil {
		return refine(fmt.Errorf("read schema version: %w", err))
	}
	if from > to {
		return service.Errorf(service.ErrConflict,
			"its schema is version %d and this program knows up to %d: run the newer dynsvc again, or restore a backup from before it", from, to)
	}
	if from == to {
		return nil
	}
	began := time.Now()
	if _, err := p.Up(ctx); err != nil {
		return refine(fmt.Errorf("migrate schema from version %d to %d: %w", from, to, err))
	}
	log.Info("migrated database", "from", from, "to", to, "took", time.Since(began).String())
	return nil
}
