-- +goose Up

-- A module is the name that its versions share. Letter case does not tell two
-- modules apart; name is as first registered.
CREATE TABLE modules (
    key  TEXT NOT NULL PRIMARY KEY, -- name in lower case
    name TEXT NOT NULL
) WITHOUT ROWID;

-- Versions are immutable but for released, and never deleted. seq ascends in
-- the order of registration and stands for the version in all other tables.
CREATE TABLE versions (
    seq           INTEGER PRIMARY KEY,
    id            TEXT    NOT NULL UNIQUE, -- service id
    module        TEXT    NOT NULL REFERENCES modules (key),
    semver        TEXT    NOT NULL,
    commit_hash   TEXT    NOT NULL,           -- empty: no git
    digest        TEXT    NOT NULL,
    released      INTEGER NOT NULL DEFAULT 0, -- 1: ever carried the tag beta or release
    registered_ms INTEGER NOT NULL,
    registered_by TEXT    NOT NULL,
    spec          TEXT    NOT NULL,           -- service.Version as JSON
    UNIQUE (module, digest)
);
CREATE INDEX versions_module ON versions (module);

-- Text files of a version: manifest, interface, docs.
CREATE TABLE files (
    version INTEGER NOT NULL REFERENCES versions (seq),
    name    TEXT    NOT NULL,
    content BLOB    NOT NULL,
    UNIQUE (version, name)
);

CREATE TABLE tags (
    module  TEXT    NOT NULL REFERENCES modules (key),
    tag     TEXT    NOT NULL,
    version INTEGER NOT NULL REFERENCES versions (seq),
    PRIMARY KEY (module, tag)
) WITHOUT ROWID;

CREATE TABLE tag_moves (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    module       TEXT    NOT NULL REFERENCES modules (key),
    tag          TEXT    NOT NULL,
    from_version INTEGER REFERENCES versions (seq), -- NULL: the tag is new
    to_version   INTEGER NOT NULL REFERENCES versions (seq),
    at_ms        INTEGER NOT NULL,
    who          TEXT    NOT NULL
);
CREATE INDEX tag_moves_module ON tag_moves (module);

-- What people decided about a service. No row: nothing.
CREATE TABLE services (
    version       INTEGER PRIMARY KEY REFERENCES versions (seq),
    stopped       INTEGER NOT NULL DEFAULT 0,
    hold_count    INTEGER NOT NULL DEFAULT 0,
    hold_until_ms INTEGER NOT NULL DEFAULT 0, -- 0: no hold
    hold_by       TEXT    NOT NULL DEFAULT ''
);

CREATE TABLE decisions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    version    INTEGER NOT NULL REFERENCES versions (seq),
    at_ms      INTEGER NOT NULL,
    from_count INTEGER NOT NULL,
    to_count   INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    inputs     TEXT    NOT NULL,           -- JSON object of numbers
    outcome    TEXT    NOT NULL DEFAULT '' -- empty: not yet known
);
CREATE INDEX decisions_version ON decisions (version);

-- Usage in time buckets. Time leads the key, so that a batch is appended at one
-- end, the engine's reads and the deletes are at the ends as well, and no second
-- index is to be kept. version has no REFERENCES: it is looked up before, and
-- versions stay.
CREATE TABLE samples (
    start_ms       INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    method         TEXT    NOT NULL,
    width_ms       INTEGER NOT NULL,
    calls          INTEGER NOT NULL,
    errors         INTEGER NOT NULL,
    cold_starts    INTEGER NOT NULL,
    in_flight_peak INTEGER NOT NULL,
    queue_peak     INTEGER NOT NULL,
    busy_ns        INTEGER NOT NULL,
    latency_ns     INTEGER NOT NULL,
    latency_max_ns INTEGER NOT NULL,
    PRIMARY KEY (start_ms, version, method, width_ms)
) WITHOUT ROWID;

-- Who did what. service is the id as text: an entry outlives what it is about.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms   INTEGER NOT NULL,
    who     TEXT    NOT NULL,
    action  TEXT    NOT NULL,
    module  TEXT    NOT NULL,
    service TEXT    NOT NULL,
    detail  TEXT    NOT NULL
);
