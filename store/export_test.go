package store

import "database/sql"

// WithFileSystem stands in for the look at the real file system.
func WithFileSystem(name string) Option {
	return func(s *settings) { s.fileSystem = func(string) (string, error) { return name, nil } }
}

// WithSynchronous opens the file less safely, to measure what safety costs.
func WithSynchronous(level string) Option {
	return func(s *settings) { s.synchronous = level }
}

// Handles gives the writer and the readers.
func (db *DB) Handles() (writer, reader *sql.DB) { return db.writer, db.reader }

// NetworkFileSystem is the look at the real file system.
var NetworkFileSystem = networkFileSystem
