-- +goose Up

-- Asynchronous calls. The order of seq is the order of submission.
--
-- A job is claimed by one agent for one attempt, until lease_ms. sent says that
-- the attempt may have reached an instance: it is written before anything is
-- sent, so that whoever finds the job after its agent died knows whether it is
-- safe to try it again.
CREATE TABLE call_jobs (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT    NOT NULL UNIQUE,
    version      INTEGER NOT NULL REFERENCES versions (seq),
    module       TEXT    NOT NULL, -- its key, the unit of fairness
    method       TEXT    NOT NULL,
    caller       TEXT    NOT NULL, -- empty: nobody known
    idempotent   INTEGER NOT NULL, -- as the version declares the method
    idem_key     TEXT,             -- the caller's Idempotency-Key; NULL: none
    idem_digest  BLOB,             -- of what was submitted under it
    state        TEXT    NOT NULL,
    submitted_ms INTEGER NOT NULL,
    due_ms       INTEGER NOT NULL,
    started_ms   INTEGER NOT NULL DEFAULT 0,
    finished_ms  INTEGER NOT NULL DEFAULT 0,
    attempts     INTEGER NOT NULL DEFAULT 0, -- claims; the number of the running one fences the others
    sends        INTEGER NOT NULL DEFAULT 0, -- attempts that were sent
    sent         INTEGER NOT NULL DEFAULT 0, -- 1: the running attempt was sent
    agent        TEXT    NOT NULL DEFAULT '',
    lease_ms     INTEGER NOT NULL DEFAULT 0,
    progress     REAL,
    message      TEXT,
    reason       TEXT    NOT NULL DEFAULT '', -- why the last attempt came to nothing
    error        TEXT,                        -- JSON
    result_bytes INTEGER NOT NULL DEFAULT 0,
    result_file  INTEGER NOT NULL DEFAULT 0   -- 1: the result is a file beside the database
);
-- What a claim looks for, and what limits count, without reading rows.
CREATE INDEX call_jobs_queued ON call_jobs (module, due_ms, seq, caller, version) WHERE state = 'queued';
CREATE INDEX call_jobs_open ON call_jobs (caller) WHERE state IN ('queued', 'running');
CREATE INDEX call_jobs_running ON call_jobs (lease_ms) WHERE state = 'running';
CREATE INDEX call_jobs_finished ON call_jobs (finished_ms, result_bytes) WHERE finished_ms > 0;
CREATE INDEX call_jobs_state ON call_jobs (state, seq);
CREATE UNIQUE INDEX call_jobs_key ON call_jobs (caller, idem_key) WHERE idem_key IS NOT NULL;

-- What a job needs to run. It goes when the job has ended, but for a dead one,
-- which can be sent back.
CREATE TABLE call_job_inputs (
    job     INTEGER PRIMARY KEY REFERENCES call_jobs (seq) ON DELETE CASCADE,
    params  BLOB NOT NULL,
    secrets BLOB -- sealed with a key that is not in this file; NULL: none
);

CREATE TABLE call_job_results (
    job    INTEGER PRIMARY KEY REFERENCES call_jobs (seq) ON DELETE CASCADE,
    result BLOB NOT NULL
);

CREATE TABLE call_job_callbacks (
    job      INTEGER PRIMARY KEY REFERENCES call_jobs (seq) ON DELETE CASCADE,
    url      TEXT    NOT NULL,
    secret   BLOB    NOT NULL, -- sealed as above
    state    TEXT    NOT NULL, -- waiting for the job's end, due, delivered, failed
    due_ms   INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    error    TEXT    NOT NULL DEFAULT ''
);
CREATE INDEX call_job_callbacks_due ON call_job_callbacks (due_ms) WHERE state = 'due';
