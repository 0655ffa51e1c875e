-- +goose Up

-- How the catalog shows a module. No row: as any other.
CREATE TABLE listings (
    module   TEXT    NOT NULL PRIMARY KEY REFERENCES modules (key),
    git_url  TEXT    NOT NULL DEFAULT '', -- empty: not from git
    inactive INTEGER NOT NULL DEFAULT 0,  -- 1: left out of lists, registers nothing
    deleted  INTEGER NOT NULL DEFAULT 0   -- 1: for KBase's clients it is not there
) WITHOUT ROWID;
CREATE UNIQUE INDEX listings_git_url ON listings (git_url) WHERE git_url <> '';

-- Who may register repositories without being an admin.
CREATE TABLE developers (
    name  TEXT    NOT NULL PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    who   TEXT    NOT NULL -- who approved it
) WITHOUT ROWID;

-- Wishes to release a version, and what became of them.
CREATE TABLE release_requests (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    module     TEXT    NOT NULL REFERENCES modules (key),
    version    INTEGER NOT NULL REFERENCES versions (seq),
    at_ms      INTEGER NOT NULL,
    who        TEXT    NOT NULL,
    decision   TEXT    NOT NULL DEFAULT '', -- approved or denied; empty: not yet
    decided_ms INTEGER NOT NULL DEFAULT 0,
    decided_by TEXT    NOT NULL DEFAULT '',
    message    TEXT    NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX release_requests_open ON release_requests (module) WHERE decision = '';
CREATE INDEX release_requests_module ON release_requests (module, id);

-- Apps that people like. The module need not be registered here.
CREATE TABLE favourites (
    module TEXT    NOT NULL, -- in lower case
    app    TEXT    NOT NULL,
    who    TEXT    NOT NULL,
    at_ms  INTEGER NOT NULL,
    PRIMARY KEY (module, app, who)
) WITHOUT ROWID;
CREATE INDEX favourites_who ON favourites (who);

-- Folders of nodes that a module's functions get. value is a JSON array.
CREATE TABLE mounts (
    module       TEXT NOT NULL, -- in lower case
    function     TEXT NOT NULL, -- service: the module as it runs here
    client_group TEXT NOT NULL,
    value        TEXT NOT NULL,
    PRIMARY KEY (module, function, client_group)
) WITHOUT ROWID;

-- Groups of nodes that a module's functions are held to. value is a JSON array.
CREATE TABLE client_groups (
    module   TEXT NOT NULL, -- in lower case
    function TEXT NOT NULL,
    value    TEXT NOT NULL,
    PRIMARY KEY (module, function)
) WITHOUT ROWID;

-- Jobs that an execution engine ran elsewhere and reports here.
CREATE TABLE executions (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    job         TEXT    NOT NULL,
    who         TEXT    NOT NULL,
    app_module  TEXT    NOT NULL,
    app         TEXT    NOT NULL,
    func_module TEXT    NOT NULL,
    func        TEXT    NOT NULL,
    commit_hash TEXT    NOT NULL,
    created_ms  INTEGER NOT NULL,
    started_ms  INTEGER NOT NULL,
    ended_ms    INTEGER NOT NULL,
    failed      INTEGER NOT NULL
);
CREATE INDEX executions_created ON executions (created_ms);
