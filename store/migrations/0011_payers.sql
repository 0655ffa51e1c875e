-- +goose Up

-- Whom limits count a call job for: its caller or, where nobody knows that, the
-- address that it came from. Callers without a name had one account together.
ALTER TABLE call_jobs ADD COLUMN payer TEXT NOT NULL DEFAULT '';
UPDATE call_jobs SET payer = caller;

DROP INDEX call_jobs_queued;
CREATE INDEX call_jobs_queued ON call_jobs (module, due_ms, seq, payer, version) WHERE state = 'queued';
DROP INDEX call_jobs_open;
CREATE INDEX call_jobs_open ON call_jobs (payer) WHERE state IN ('queued', 'running');
