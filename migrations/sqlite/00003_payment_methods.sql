-- +goose Up
CREATE TABLE payment_methods (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    name                TEXT NOT NULL,
    type                TEXT NOT NULL UNIQUE,
    module              TEXT NOT NULL,
    connection          TEXT NOT NULL,
    active              BOOLEAN NOT NULL,
    mark_paid           BOOLEAN NOT NULL,
    documents           TEXT NOT NULL,
    behaves_like        TEXT NOT NULL,
    document_text       TEXT NOT NULL DEFAULT '',
    region              TEXT NOT NULL DEFAULT '',
    environment         TEXT NOT NULL DEFAULT '',
    username            BLOB,               -- sealed
    password            BLOB,               -- sealed
    username_hint       TEXT NOT NULL DEFAULT '',
    credentials_version BIGINT NOT NULL DEFAULT 0,
    hold_seconds        BIGINT NOT NULL DEFAULT 0,
    paused_at           DATETIME,
    pause_reason        TEXT NOT NULL DEFAULT '',
    wait_until          DATETIME,           -- too many requests: nothing is sent before
    last_success_at     DATETIME,
    created_at          DATETIME NOT NULL,
    updated_at          DATETIME NOT NULL,
    due_at              DATETIME,           -- next harmless read while paused
    lease_until         DATETIME,
    lease_token         TEXT NOT NULL DEFAULT ''
);
CREATE INDEX payment_methods_due_at ON payment_methods (due_at) WHERE due_at IS NOT NULL;

-- +goose Down
DROP TABLE payment_methods;
