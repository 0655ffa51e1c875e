-- +goose Up

-- What admins said of counts in place of the manifests. Rows are only added: the
-- newest of a module, or of a version, is the one that counts.
CREATE TABLE policies (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    module   TEXT    NOT NULL REFERENCES modules (key),
    version  INTEGER REFERENCES versions (seq), -- NULL: all versions
    at_ms    INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,                  -- 0: until it is replaced
    who      TEXT    NOT NULL,
    note     TEXT    NOT NULL,
    rules    TEXT    NOT NULL                   -- service.Override as JSON
);
CREATE INDEX policies_module ON policies (module, version);
