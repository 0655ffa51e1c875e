-- +goose Up

-- What a sample holds besides the sums; the blobs are empty where there is
-- nothing to say. See service.Sample.
ALTER TABLE samples ADD COLUMN waited_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE samples ADD COLUMN bytes_in  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE samples ADD COLUMN bytes_out INTEGER NOT NULL DEFAULT 0;
ALTER TABLE samples ADD COLUMN failed    BLOB    NOT NULL DEFAULT x''; -- counts by service.Ending, as varints
ALTER TABLE samples ADD COLUMN starts    BLOB    NOT NULL DEFAULT x''; -- service.Starts, as varints
ALTER TABLE samples ADD COLUMN latencies BLOB    NOT NULL DEFAULT x''; -- service.Histogram
ALTER TABLE samples ADD COLUMN callers   BLOB    NOT NULL DEFAULT x''; -- service.Callers

-- The same usage in wider buckets. They are read for one service over a long
-- time, so the service leads the key: a year of hours is one range.
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

-- How far usage is rolled up: all buckets of this width that begin before
-- until_ms are there.
CREATE TABLE rollups (
    width_ms INTEGER PRIMARY KEY,
    until_ms INTEGER NOT NULL
);
