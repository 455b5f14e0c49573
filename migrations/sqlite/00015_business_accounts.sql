-- +goose Up
-- Where money stands that the merchant has not yet got: an account at Klarna, or another
-- one that files are imported for.
CREATE TABLE business_accounts (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    name                TEXT NOT NULL,
    short_name          TEXT NOT NULL UNIQUE,
    type                TEXT NOT NULL,
    region              TEXT NOT NULL,
    environment         TEXT NOT NULL,
    active              BOOLEAN NOT NULL,
    fetch_automatically BOOLEAN NOT NULL,
    access              BLOB,                      -- sealed: user and key
    access_mark         TEXT NOT NULL DEFAULT '',  -- the same for the same user at the same host, tells nothing else
    access_version      BIGINT NOT NULL DEFAULT 0, -- counts every change of it
    user_hint           TEXT NOT NULL DEFAULT '',
    days                BIGINT NOT NULL DEFAULT 0,
    created_at          DATETIME NOT NULL,
    updated_at          DATETIME NOT NULL
);
CREATE UNIQUE INDEX business_accounts_access_mark ON business_accounts (access_mark) WHERE active AND access_mark <> '';

-- +goose Down
DROP TABLE business_accounts;
