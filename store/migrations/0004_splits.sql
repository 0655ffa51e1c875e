-- +goose Up

-- A share of a tag's calls goes to a second version. It ends when the tag moves.
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
