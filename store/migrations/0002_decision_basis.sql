-- +goose Up

-- What a decision was made from, besides its numbers: the winner, the proposals
-- of all strategies and the caps, as JSON.
ALTER TABLE decisions ADD COLUMN basis TEXT NOT NULL DEFAULT '{}';
