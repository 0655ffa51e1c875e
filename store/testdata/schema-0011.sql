PRAGMA auto_vacuum = 2;
PRAGMA foreign_keys = 0;
PRAGMA application_id = 1685288547;
CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
CREATE TABLE modules (
    key  TEXT NOT NULL PRIMARY KEY, -- name in lower case
    name TEXT NOT NULL
) WITHOUT ROWID;
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
, basis TEXT NOT NULL DEFAULT '{}');
CREATE INDEX decisions_version ON decisions (version);
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
    latency_max_ns INTEGER NOT NULL, waited_ns INTEGER NOT NULL DEFAULT 0, bytes_in  INTEGER NOT NULL DEFAULT 0, bytes_out INTEGER NOT NULL DEFAULT 0, failed    BLOB    NOT NULL DEFAULT x'', starts    BLOB    NOT NULL DEFAULT x'', latencies BLOB    NOT NULL DEFAULT x'', callers   BLOB    NOT NULL DEFAULT x'',
    PRIMARY KEY (start_ms, version, method, width_ms)
) WITHOUT ROWID;
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms   INTEGER NOT NULL,
    who     TEXT    NOT NULL,
    action  TEXT    NOT NULL,
    module  TEXT    NOT NULL,
    service TEXT    NOT NULL,
    detail  TEXT    NOT NULL
);
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
CREATE TABLE owners (
    module TEXT NOT NULL REFERENCES modules (key),
    user   TEXT NOT NULL,
    PRIMARY KEY (module, user)
) WITHOUT ROWID;
CREATE TABLE splits (
    module  TEXT    NOT NULL,
    tag     TEXT    NOT NULL,
    version INTEGER NOT NULL REFERENCES versions (seq),
    percent INTEGER NOT NULL,
    header  TEXT    NOT NULL, -- name of the header that a call's version follows from; empty: none
    cookie  TEXT    NOT NULL, -- or of the cookie
    PRIMARY KEY (module, tag),
    FOREIGN KEY (module, tag) REFERENCES tags (module, tag)
) WITHOUT ROWID;
CREATE TABLE samples_minute (
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
    waited_ns      INTEGER NOT NULL,
    bytes_in       INTEGER NOT NULL,
    bytes_out      INTEGER NOT NULL,
    failed         BLOB    NOT NULL,
    starts         BLOB    NOT NULL,
    latencies      BLOB    NOT NULL,
    callers        BLOB    NOT NULL,
    PRIMARY KEY (version, start_ms, method)
) WITHOUT ROWID;
CREATE TABLE samples_hour (
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
    waited_ns      INTEGER NOT NULL,
    bytes_in       INTEGER NOT NULL,
    bytes_out      INTEGER NOT NULL,
    failed         BLOB    NOT NULL,
    starts         BLOB    NOT NULL,
    latencies      BLOB    NOT NULL,
    callers        BLOB    NOT NULL,
    PRIMARY KEY (version, start_ms, method)
) WITHOUT ROWID;
CREATE TABLE rollups (
    width_ms INTEGER PRIMARY KEY,
    until_ms INTEGER NOT NULL
);
CREATE TABLE listings (
    module   TEXT    NOT NULL PRIMARY KEY REFERENCES modules (key),
    git_url  TEXT    NOT NULL DEFAULT '', -- empty: not from git
    inactive INTEGER NOT NULL DEFAULT 0,  -- 1: left out of lists, registers nothing
    deleted  INTEGER NOT NULL DEFAULT 0   -- 1: for KBase's clients it is not there
) WITHOUT ROWID;
CREATE UNIQUE INDEX listings_git_url ON listings (git_url) WHERE git_url <> '';
CREATE TABLE developers (
    name  TEXT    NOT NULL PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    who   TEXT    NOT NULL -- who approved it
) WITHOUT ROWID;
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
CREATE TABLE favourites (
    module TEXT    NOT NULL, -- in lower case
    app    TEXT    NOT NULL,
    who    TEXT    NOT NULL,
    at_ms  INTEGER NOT NULL,
    PRIMARY KEY (module, app, who)
) WITHOUT ROWID;
CREATE INDEX favourites_who ON favourites (who);
CREATE TABLE mounts (
    module       TEXT NOT NULL, -- in lower case
    function     TEXT NOT NULL, -- service: the module as it runs here
    client_group TEXT NOT NULL,
    value        TEXT NOT NULL,
    PRIMARY KEY (module, function, client_group)
) WITHOUT ROWID;
CREATE TABLE client_groups (
    module   TEXT NOT NULL, -- in lower case
    function TEXT NOT NULL,
    value    TEXT NOT NULL,
    PRIMARY KEY (module, function)
) WITHOUT ROWID;
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
, payer TEXT NOT NULL DEFAULT '');
CREATE INDEX call_jobs_running ON call_jobs (lease_ms) WHERE state = 'running';
CREATE INDEX call_jobs_finished ON call_jobs (finished_ms, result_bytes) WHERE finished_ms > 0;
CREATE INDEX call_jobs_state ON call_jobs (state, seq);
CREATE UNIQUE INDEX call_jobs_key ON call_jobs (caller, idem_key) WHERE idem_key IS NOT NULL;
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
CREATE INDEX call_jobs_queued ON call_jobs (module, due_ms, seq, payer, version) WHERE state = 'queued';
CREATE INDEX call_jobs_open ON call_jobs (payer) WHERE state IN ('queued', 'running');
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (1, 0, 1, '2026-11-27 22:41:32');
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (10, 9, 1, '2026-11-27 22:41:32');
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (11, 10, 1, '2026-11-27 22:41:32');
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (12, 11, 1, '2026-11-27 22:41:32');
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (2, 1, 1, '2026-11-27 22:41:32');
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (3, 2, 1, '2026-11-27 22:41:32');
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (4, 3, 1, '2026-11-27 22:41:32');
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (5, 4, 1, '2026-11-27 22:41:32');
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (6, 5, 1, '2026-11-27 22:41:32');
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (7, 6, 1, '2026-11-27 22:41:32');
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (8, 7, 1, '2026-11-27 22:41:32');
INSERT INTO goose_db_version (id, version_id, is_applied, tstamp) VALUES (9, 8, 1, '2026-11-27 22:41:32');
INSERT INTO modules (key, name) VALUES ('a', 'A');
INSERT INTO versions (seq, id, module, semver, commit_hash, digest, released, registered_ms, registered_by, spec) VALUES (1, 'dyn-a-00000001', 'a', '1.0.0', '', 'sha256:0000000100000000000000000000000000000000000000000000000000000001', 1, 1772366400000, 'ada', '{"id":"dyn-a-00000001","module":"A","version":"1.0.0","digest":"sha256:0000000100000000000000000000000000000000000000000000000000000001","description":"Drops contigs shorter than a given length.","owners":["ada","grace"],"manifest":"module.hcl","interface":"A.spec","run":{"image":"registry.example.org/filtercontigs:1.2.0","port":5000,"env":{"LOG_LEVEL":"info"},"secrets":["DB_PASSWORD"],"health":{"path":"/","start_deadline":"2m0s"},"stop_grace":"30s"},"resources":{"cpu":500,"memory":512,"disk":300,"gpus":[{"name":"nvidia/gpu","count":1}]},"scale":{"min":0,"max":10,"concurrency":10,"max_concurrency":50,"idle_after":"10m0s","windows":[{"name":"office hours","cron":"0 8 * * 1-5","duration":"10h0m0s","min":2}]},"methods":[{"name":"filter_contigs","mode":"both","timeout":"1m0s","job_timeout":"0s"}],"registered_at":"2026-03-01T12:00:00Z","registered_by":"ada"}');
INSERT INTO versions (seq, id, module, semver, commit_hash, digest, released, registered_ms, registered_by, spec) VALUES (2, 'dyn-a-00000002', 'a', '1.1.0', '', 'sha256:0000000200000000000000000000000000000000000000000000000000000002', 0, 1772366400000, 'ada', '{"id":"dyn-a-00000002","module":"A","version":"1.1.0","digest":"sha256:0000000200000000000000000000000000000000000000000000000000000002","description":"Drops contigs shorter than a given length.","owners":["ada","grace"],"manifest":"module.hcl","interface":"A.spec","run":{"image":"registry.example.org/filtercontigs:1.2.0","port":5000,"env":{"LOG_LEVEL":"info"},"secrets":["DB_PASSWORD"],"health":{"path":"/","start_deadline":"2m0s"},"stop_grace":"30s"},"resources":{"cpu":500,"memory":512,"disk":300,"gpus":[{"name":"nvidia/gpu","count":1}]},"scale":{"min":0,"max":10,"concurrency":10,"max_concurrency":50,"idle_after":"10m0s","windows":[{"name":"office hours","cron":"0 8 * * 1-5","duration":"10h0m0s","min":2}]},"methods":[{"name":"filter_contigs","mode":"both","timeout":"1m0s","job_timeout":"0s"}],"registered_at":"2026-03-01T12:00:00Z","registered_by":"ada"}');
INSERT INTO files (version, name, content) VALUES (1, 'module.hcl', X'6D6F64756C6520224122207B0A7D0A');
INSERT INTO tags (module, tag, version) VALUES ('a', 'dev', 2);
INSERT INTO tags (module, tag, version) VALUES ('a', 'release', 1);
INSERT INTO tag_moves (id, module, tag, from_version, to_version, at_ms, who) VALUES (1, 'a', 'dev', NULL, 1, 1772366400000, 'ada');
INSERT INTO tag_moves (id, module, tag, from_version, to_version, at_ms, who) VALUES (2, 'a', 'release', NULL, 1, 1772366400000, 'ada');
INSERT INTO tag_moves (id, module, tag, from_version, to_version, at_ms, who) VALUES (3, 'a', 'dev', 1, 2, 1772366400000, 'ada');
INSERT INTO services (version, stopped, hold_count, hold_until_ms, hold_by) VALUES (1, 1, 0, 0, '');
INSERT INTO services (version, stopped, hold_count, hold_until_ms, hold_by) VALUES (2, 0, 2, 1772366460000, 'grace');
INSERT INTO decisions (id, version, at_ms, from_count, to_count, kind, reason, inputs, outcome, basis) VALUES (1, 2, 1772366400000, 0, 1, 'wake', 'a call waits', '{"queued":1}', 'applied', '{}');
INSERT INTO samples (start_ms, version, method, width_ms, calls, errors, cold_starts, in_flight_peak, queue_peak, busy_ns, latency_ns, latency_max_ns, waited_ns, bytes_in, bytes_out, failed, starts, latencies, callers) VALUES (1772366400000, 1, 'f', 5000, 3, 1, 1, 3, 2, 3000000000, 4000000000, 3000000, 0, 0, 0, X'', X'', X'', X'');
INSERT INTO samples (start_ms, version, method, width_ms, calls, errors, cold_starts, in_flight_peak, queue_peak, busy_ns, latency_ns, latency_max_ns, waited_ns, bytes_in, bytes_out, failed, starts, latencies, callers) VALUES (1772366400000, 2, '', 5000, 5, 1, 1, 5, 2, 3000000000, 4000000000, 5000000, 0, 0, 0, X'', X'', X'', X'');
INSERT INTO audit (id, at_ms, who, action, module, service, detail) VALUES (1, 1772366400000, 'ada', 'register', 'A', 'dyn-a-00000001', '1.0.0 sha256:0000000100000000000000000000000000000000000000000000000000000001');
INSERT INTO audit (id, at_ms, who, action, module, service, detail) VALUES (10, 1795819292169, 'root', 'approve', '', '', 'ada');
INSERT INTO audit (id, at_ms, who, action, module, service, detail) VALUES (11, 1795819292170, 'ada', 'request', 'A', 'dyn-a-00000002', 'release');
INSERT INTO audit (id, at_ms, who, action, module, service, detail) VALUES (12, 1795819292172, 'root', 'mount', 'a', '', 'service service [{"host":"/mnt/x","container":"/x","read_only":true}]');
INSERT INTO audit (id, at_ms, who, action, module, service, detail) VALUES (13, 1795819292172, 'root', 'group', 'a', '', 'service ["large"]');
INSERT INTO audit (id, at_ms, who, action, module, service, detail) VALUES (14, 1772366400000, 'ada', 'policy', 'A', '', 'min 2');
INSERT INTO audit (id, at_ms, who, action, module, service, detail) VALUES (2, 1772366400000, 'ada', 'tag', 'A', 'dyn-a-00000001', 'dev');
INSERT INTO audit (id, at_ms, who, action, module, service, detail) VALUES (3, 1772366400000, 'ada', 'tag', 'A', 'dyn-a-00000001', 'release');
INSERT INTO audit (id, at_ms, who, action, module, service, detail) VALUES (4, 1772366400000, 'ada', 'register', 'A', 'dyn-a-00000002', '1.1.0 sha256:0000000200000000000000000000000000000000000000000000000000000002');
INSERT INTO audit (id, at_ms, who, action, module, service, detail) VALUES (5, 1772366400000, 'ada', 'tag', 'A', 'dyn-a-00000002', 'dev, was dyn-a-00000001');
INSERT INTO audit (id, at_ms, who, action, module, service, detail) VALUES (6, 1795819292148, 'ada', 'split', 'A', 'dyn-a-00000002', 'release, 10 percent');
INSERT INTO audit (id, at_ms, who, action, module, service, detail) VALUES (7, 1795819292148, 'ada', 'stop', '', 'dyn-a-00000001', '');
INSERT INTO audit (id, at_ms, who, action, module, service, detail) VALUES (8, 1772366400000, 'root', 'create-token', '', '', 't1 for ada: call:echo register');
INSERT INTO audit (id, at_ms, who, action, module, service, detail) VALUES (9, 1795819292169, 'root', 'list', 'A', '', 'https://git.example.org/a inactive');
INSERT INTO tokens (id, hash, user, scopes, note, created_ms, created_by, expires_ms, revoked_ms, revoked_by, used_ms) VALUES ('t1', X'7431743174317431743174317431743174317431743174317431743174317431', 'ada', '["call:echo","register"]', 'for CI', 1772366400000, 'root', 1772370000000, 0, '', 0);
INSERT INTO owners (module, user) VALUES ('a', 'ada');
INSERT INTO owners (module, user) VALUES ('a', 'grace');
INSERT INTO splits (module, tag, version, percent, header, cookie) VALUES ('a', 'release', 2, 10, '', 'session');
INSERT INTO samples_minute (start_ms, version, method, width_ms, calls, errors, cold_starts, in_flight_peak, queue_peak, busy_ns, latency_ns, latency_max_ns, waited_ns, bytes_in, bytes_out, failed, starts, latencies, callers) VALUES (1772366400000, 1, 'f', 60000, 3, 1, 1, 3, 2, 3000000000, 4000000000, 3000000, 0, 0, 0, X'', X'', X'', X'');
INSERT INTO samples_minute (start_ms, version, method, width_ms, calls, errors, cold_starts, in_flight_peak, queue_peak, busy_ns, latency_ns, latency_max_ns, waited_ns, bytes_in, bytes_out, failed, starts, latencies, callers) VALUES (1772366400000, 2, '', 60000, 5, 1, 1, 5, 2, 3000000000, 4000000000, 5000000, 0, 0, 0, X'', X'', X'', X'');
INSERT INTO samples_hour (start_ms, version, method, width_ms, calls, errors, cold_starts, in_flight_peak, queue_peak, busy_ns, latency_ns, latency_max_ns, waited_ns, bytes_in, bytes_out, failed, starts, latencies, callers) VALUES (1772366400000, 1, 'f', 3600000, 3, 1, 1, 3, 2, 3000000000, 4000000000, 3000000, 0, 0, 0, X'', X'', X'', X'');
INSERT INTO samples_hour (start_ms, version, method, width_ms, calls, errors, cold_starts, in_flight_peak, queue_peak, busy_ns, latency_ns, latency_max_ns, waited_ns, bytes_in, bytes_out, failed, starts, latencies, callers) VALUES (1772366400000, 2, '', 3600000, 5, 1, 1, 5, 2, 3000000000, 4000000000, 5000000, 0, 0, 0, X'', X'', X'', X'');
INSERT INTO rollups (width_ms, until_ms) VALUES (3600000, 1772370000000);
INSERT INTO rollups (width_ms, until_ms) VALUES (60000, 1772373540000);
INSERT INTO listings (module, git_url, inactive, deleted) VALUES ('a', 'https://git.example.org/a', 1, 0);
INSERT INTO developers (name, at_ms, who) VALUES ('ada', 1795819292169, 'root');
INSERT INTO release_requests (id, module, version, at_ms, who, decision, decided_ms, decided_by, message) VALUES (1, 'a', 2, 1795819292170, 'ada', '', 0, '', '');
INSERT INTO favourites (module, app, who, at_ms) VALUES ('a', 'run', 'ada', 1772366400000);
INSERT INTO mounts (module, function, client_group, value) VALUES ('a', 'service', 'service', '[{"host":"/mnt/x","container":"/x","read_only":true}]');
INSERT INTO client_groups (module, function, value) VALUES ('a', 'service', '["large"]');
INSERT INTO executions (id, job, who, app_module, app, func_module, func, commit_hash, created_ms, started_ms, ended_ms, failed) VALUES (1, 'j1', 'ada', 'A', 'run', 'A', 'f', '', 1772366400000, 1772366401000, 1772366403000, 1);
INSERT INTO call_jobs (seq, id, version, module, method, caller, idempotent, idem_key, idem_digest, state, submitted_ms, due_ms, started_ms, finished_ms, attempts, sends, sent, agent, lease_ms, progress, message, reason, error, result_bytes, result_file, payer) VALUES (1, 'done', 1, 'a', 'filter_contigs', 'ada', 0, 'key', X'01', 'done', 1772366400000, 1772366400000, 1772366400000, 1772366401000, 1, 1, 1, '', 0, 1.0, NULL, '', NULL, 3, 0, 'ada');
INSERT INTO call_jobs (seq, id, version, module, method, caller, idempotent, idem_key, idem_digest, state, submitted_ms, due_ms, started_ms, finished_ms, attempts, sends, sent, agent, lease_ms, progress, message, reason, error, result_bytes, result_file, payer) VALUES (2, 'queued', 1, 'a', 'filter_contigs', 'grace', 0, NULL, NULL, 'queued', 1772366400000, 1772366400000, 0, 0, 0, 0, 0, '', 0, NULL, NULL, '', NULL, 0, 0, 'grace');
INSERT INTO call_job_inputs (job, params, secrets) VALUES (2, X'5B7B226D696E5F6C656E677468223A20357D5D', X'7365616C6564');
INSERT INTO call_job_results (job, result) VALUES (1, X'5B315D');
INSERT INTO call_job_callbacks (job, url, secret, state, due_ms, attempts, error) VALUES (1, 'https://example.org/hook', X'02', 'due', 1772366401000, 0, '');
INSERT INTO pulls (id, url, ref, tag, who, state, commit_hash, module, service, error, asked_ms, ended_ms) VALUES (1, 'https://git.example.org/a', '', 'dev', 'ada', 'done', 'c0ffee', 'A', 'dyn-a-00000001', '', 1772366400000, 1772366400000);
INSERT INTO policies (id, module, version, at_ms, until_ms, who, note, rules) VALUES (1, 'a', NULL, 1772366400000, 0, 'ada', '', '{"min":2}');
INSERT INTO vitals (start_ms, version, alloc, width_ms, time_ms, passing_ms, critical_ms, measured_ms, cpu, cpu_max, memory, memory_max) VALUES (1772366400000, 1, 'one', 10000, 10000, 10000, 0, 10000, 2500000, 250, 10240000, 1024);
INSERT INTO vitals_minute (start_ms, version, alloc, width_ms, time_ms, passing_ms, critical_ms, measured_ms, cpu, cpu_max, memory, memory_max) VALUES (1772366400000, 1, '', 60000, 10000, 10000, 0, 10000, 2500000, 250, 10240000, 1024);
INSERT INTO vitals_hour (start_ms, version, alloc, width_ms, time_ms, passing_ms, critical_ms, measured_ms, cpu, cpu_max, memory, memory_max) VALUES (1772366400000, 1, '', 3600000, 10000, 10000, 0, 10000, 2500000, 250, 10240000, 1024);
