-- +goose Up

-- What instances used of their nodes and what Consul said of them, see
-- service.Vitals. The narrow buckets tell instances apart and are in order of
-- time; the wide ones add them up and are read for one service over a long time.
-- All three are written at once.
CREATE TABLE vitals (
    start_ms    INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    alloc       TEXT    NOT NULL,
    width_ms    INTEGER NOT NULL,
    time_ms     INTEGER NOT NULL,
    passing_ms  INTEGER NOT NULL,
    critical_ms INTEGER NOT NULL,
    measured_ms INTEGER NOT NULL,
    cpu         INTEGER NOT NULL,
    cpu_max     INTEGER NOT NULL,
    memory      INTEGER NOT NULL,
    memory_max  INTEGER NOT NULL,
    PRIMARY KEY (start_ms, version, alloc)
) WITHOUT ROWID;
CREATE TABLE vitals_minute (
    start_ms    INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    alloc       TEXT    NOT NULL,              -- always empty
    width_ms    INTEGER NOT NULL,
    time_ms     INTEGER NOT NULL,
    passing_ms  INTEGER NOT NULL,
    critical_ms INTEGER NOT NULL,
    measured_ms INTEGER NOT NULL,
    cpu         INTEGER NOT NULL,
    cpu_max     INTEGER NOT NULL,
    memory      INTEGER NOT NULL,
    memory_max  INTEGER NOT NULL,
    PRIMARY KEY (version, start_ms, alloc)
) WITHOUT ROWID;
CREATE TABLE vitals_hour (
    start_ms    INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    alloc       TEXT    NOT NULL,              -- always empty
    width_ms    INTEGER NOT NULL,
    time_ms     INTEGER NOT NULL,
    passing_ms  INTEGER NOT NULL,
    critical_ms INTEGER NOT NULL,
    measured_ms INTEGER NOT NULL,
    cpu         INTEGER NOT NULL,
    cpu_max     INTEGER NOT NULL,
    memory      INTEGER NOT NULL,
    memory_max  INTEGER NOT NULL,
    PRIMARY KEY (version, start_ms, alloc)
) WITHOUT ROWID;
