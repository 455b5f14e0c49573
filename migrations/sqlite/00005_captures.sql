-- +goose Up
-- One delivery note told to Klarna. The row is the job, the truth and the record.
CREATE TABLE captures (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery_note_id  BIGINT NOT NULL UNIQUE REFERENCES delivery_notes (id),
    order_id          BIGINT NOT NULL REFERENCES orders (id),
    payment_method_id BIGINT NOT NULL REFERENCES payment_methods (id),
    klarna_order_id   TEXT NOT NULL,
    state             TEXT NOT NULL,
    rule              TEXT NOT NULL DEFAULT '',
    amount            BIGINT NOT NULL,
    actor             TEXT NOT NULL DEFAULT '',
    generation        BIGINT NOT NULL DEFAULT 0,
    idempotency_key   TEXT NOT NULL DEFAULT '',
    attempts          BIGINT NOT NULL DEFAULT 0,   -- of this generation, answered or lost
    conflicts         BIGINT NOT NULL DEFAULT 0,
    in_flight         BOOLEAN NOT NULL DEFAULT FALSE,
    unanswered        BOOLEAN NOT NULL DEFAULT FALSE,
    read_first        BOOLEAN NOT NULL DEFAULT FALSE,
    first_sent_at     DATETIME,
    last_sent_at      DATETIME,
    failed_since      DATETIME,                    -- since when Klarna's present refusal to decide stands
    failures          BIGINT NOT NULL DEFAULT 0,
    capture_id        TEXT NOT NULL DEFAULT '',
    captured_at       DATETIME,
    adopted           BOOLEAN NOT NULL DEFAULT FALSE,
    shared            BOOLEAN NOT NULL DEFAULT FALSE,
    status            BIGINT NOT NULL DEFAULT 0,
    error_code        TEXT NOT NULL DEFAULT '',
    error_messages    TEXT,                -- JSON; NULL when there are none
    correlation_id    TEXT NOT NULL DEFAULT '',
    fraud_status      TEXT NOT NULL DEFAULT '',
    seen              TEXT NOT NULL DEFAULT '{}',  -- amounts and dates read at Klarna, for the explanation
    created_at        DATETIME NOT NULL,
    updated_at        DATETIME NOT NULL,
    due_at            DATETIME,
    lease_until       DATETIME,
    lease_token       TEXT NOT NULL DEFAULT ''
);
CREATE INDEX captures_due_at ON captures (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX captures_order_id ON captures (order_id);
CREATE INDEX captures_state ON captures (state, id);
CREATE INDEX captures_method_open ON captures (payment_method_id, state) WHERE state IN ('pending', 'sending', 'unknown');
CREATE UNIQUE INDEX captures_capture_id ON captures (capture_id) WHERE capture_id <> '' AND NOT shared;

-- What each generation of a capture sends: stored before the first send, never changed.
CREATE TABLE capture_generations (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    capture_row_id  BIGINT NOT NULL REFERENCES captures (id),
    generation      BIGINT NOT NULL,
    idempotency_key TEXT NOT NULL UNIQUE,
    klarna_order_id TEXT NOT NULL,
    region          TEXT NOT NULL,
    environment     TEXT NOT NULL,
    username        BLOB,                          -- sealed
    amount          BIGINT NOT NULL,
    body            BLOB NOT NULL,
    parcel_ids      TEXT NOT NULL DEFAULT '[]',
    created_at      DATETIME NOT NULL,
    UNIQUE (capture_row_id, generation)
);

-- A parcel that is told to Klarna after its delivery note was captured.
CREATE TABLE parcel_appends (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    parcel_id       BIGINT NOT NULL UNIQUE REFERENCES parcels (id),
    capture_row_id  BIGINT NOT NULL REFERENCES captures (id),
    order_id        BIGINT NOT NULL REFERENCES orders (id),
    klarna_order_id TEXT NOT NULL,
    state           TEXT NOT NULL,
    rule            TEXT NOT NULL DEFAULT '',
    generation      BIGINT NOT NULL DEFAULT 0,
    idempotency_key TEXT NOT NULL DEFAULT '',
    body            BLOB,
    attempts        BIGINT NOT NULL DEFAULT 0,
    conflicts       BIGINT NOT NULL DEFAULT 0,
    in_flight       BOOLEAN NOT NULL DEFAULT FALSE,
    unanswered      BOOLEAN NOT NULL DEFAULT FALSE,
    read_first      BOOLEAN NOT NULL DEFAULT FALSE,
    first_sent_at   DATETIME,
    last_sent_at    DATETIME,
    failed_since    DATETIME,
    failures        BIGINT NOT NULL DEFAULT 0,
    status          BIGINT NOT NULL DEFAULT 0,
    error_code      TEXT NOT NULL DEFAULT '',
    error_messages  TEXT,                -- JSON; NULL when there are none
    correlation_id  TEXT NOT NULL DEFAULT '',
    created_at      DATETIME NOT NULL,
    updated_at      DATETIME NOT NULL,
    due_at          DATETIME,
    lease_until     DATETIME,
    lease_token     TEXT NOT NULL DEFAULT ''
);
CREATE INDEX parcel_appends_due_at ON parcel_appends (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX parcel_appends_capture_row_id ON parcel_appends (capture_row_id);

-- Every call of Klarna's API, masked.
CREATE TABLE klarna_calls (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    payment_method_id BIGINT NOT NULL REFERENCES payment_methods (id),
    order_id          BIGINT REFERENCES orders (id),
    capture_row_id    BIGINT,
    parcel_id         BIGINT,
    at                DATETIME NOT NULL,
    method            TEXT NOT NULL,
    path              TEXT NOT NULL,
    status            BIGINT NOT NULL,
    duration_us       BIGINT NOT NULL,
    correlation_id    TEXT NOT NULL DEFAULT '',
    error_code        TEXT NOT NULL DEFAULT '',
    error_messages    TEXT,                -- JSON; NULL when there are none
    transport_error   TEXT NOT NULL DEFAULT '',
    idempotency_key   TEXT NOT NULL DEFAULT '',
    request           TEXT NOT NULL DEFAULT '',
    response          TEXT NOT NULL DEFAULT ''
);
CREATE INDEX klarna_calls_order_id ON klarna_calls (order_id, id);
CREATE INDEX klarna_calls_bare_forbidden ON klarna_calls (payment_method_id, at) WHERE status = 403 AND error_code = '';

-- +goose Down
DROP TABLE klarna_calls;
DROP TABLE parcel_appends;
DROP TABLE capture_generations;
DROP TABLE captures;
