-- +goose Up
CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Who may do a thing that only one may do at a time, until when.
CREATE TABLE work_locks (
    name  TEXT PRIMARY KEY,
    token TEXT NOT NULL,
    until DATETIME NOT NULL
);

-- Regular housekeeping as rows, so that of several instances one acts.
CREATE TABLE ticks (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL UNIQUE,
    due_at      DATETIME,
    lease_until DATETIME,
    lease_token TEXT NOT NULL DEFAULT ''
);

-- Number ranges: the next number of each kind of document.
CREATE TABLE numbers (
    name TEXT PRIMARY KEY,
    next BIGINT NOT NULL
);

-- Who changed what in the settings; each entry carries the hash of the one before.
CREATE TABLE audit_entries (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         DATETIME NOT NULL,
    actor      TEXT NOT NULL,
    action     TEXT NOT NULL,
    subject    TEXT NOT NULL DEFAULT '',
    changes    TEXT NOT NULL DEFAULT '[]',
    prev_hash  TEXT NOT NULL,
    hash       TEXT NOT NULL
);

-- The end of the chain, locked while an entry is added.
CREATE TABLE audit_heads (
    chain TEXT PRIMARY KEY,
    hash  TEXT NOT NULL
);
INSERT INTO audit_heads (chain, hash) VALUES ('settings', '');

-- +goose Down
DROP TABLE audit_heads;
DROP TABLE audit_entries;
DROP TABLE numbers;
DROP TABLE ticks;
DROP TABLE work_locks;
DROP TABLE settings;
