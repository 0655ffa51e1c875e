-- +goose Up

-- A pull is one registration from a git repository: what was asked for, how it
-- went, and what came of it. Its log is a file of its own.
CREATE TABLE pulls (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    url         TEXT    NOT NULL,
    ref         TEXT    NOT NULL,            -- empty: the repository's default branch
    tag         TEXT    NOT NULL,
    who         TEXT    NOT NULL,
    state       TEXT    NOT NULL,            -- queued, running, done, failed
    commit_hash TEXT    NOT NULL DEFAULT '', -- empty: not known yet
    module      TEXT    NOT NULL DEFAULT '',
    service     TEXT    NOT NULL DEFAULT '',
    error       TEXT    NOT NULL DEFAULT '',
    asked_ms    INTEGER NOT NULL,
    ended_ms    INTEGER NOT NULL DEFAULT 0   -- 0: not yet
);
CREATE INDEX pulls_url ON pulls (url);
