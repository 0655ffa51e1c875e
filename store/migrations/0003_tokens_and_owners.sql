-- +goose Up

-- dynsvc's own tokens. A token itself is never stored.
CREATE TABLE tokens (
    id         TEXT    NOT NULL PRIMARY KEY, -- names it to people
    hash       BLOB    NOT NULL UNIQUE,      -- sha256 of the token
    user       TEXT    NOT NULL,
    scopes     TEXT    NOT NULL,             -- JSON array
    note       TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    created_by TEXT    NOT NULL,
    expires_ms INTEGER NOT NULL DEFAULT 0,   -- 0: never
    revoked_ms INTEGER NOT NULL DEFAULT 0,   -- 0: it was not
    revoked_by TEXT    NOT NULL DEFAULT '',
    used_ms    INTEGER NOT NULL DEFAULT 0    -- about; 0: never
) WITHOUT ROWID;

-- Who may change a module. What manifests of earlier registrations said holds.
CREATE TABLE owners (
    module TEXT NOT NULL REFERENCES modules (key),
    user   TEXT NOT NULL,
    PRIMARY KEY (module, user)
) WITHOUT ROWID;
INSERT INTO owners (module, user)
    SELECT DISTINCT v.module, o.value FROM versions v, json_each(v.spec, '$.owners') o
    WHERE v.seq = (SELECT max(seq) FROM versions WHERE module = v.module);
