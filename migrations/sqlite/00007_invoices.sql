-- +goose Up
-- One invoice for an order. What is paid stands on the order; a cancelled order's
-- invoice keeps its number.
CREATE TABLE invoices (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    number     TEXT NOT NULL UNIQUE,
    order_id   BIGINT NOT NULL UNIQUE REFERENCES orders (id),
    amount     BIGINT NOT NULL,
    currency   TEXT NOT NULL,
    issued_at  DATETIME NOT NULL,
    pay_by     DATETIME NOT NULL,           -- the last moment that is in time
    created_by TEXT NOT NULL DEFAULT ''
);
CREATE INDEX invoices_pay_by ON invoices (pay_by, id);

-- Documents as they were first printed: a reprint gives the same bytes.
CREATE TABLE documents (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT NOT NULL,
    number     TEXT NOT NULL,
    order_id   BIGINT REFERENCES orders (id),
    language   TEXT NOT NULL,
    sha256     TEXT NOT NULL,
    pdf        BLOB NOT NULL,
    created_by TEXT NOT NULL DEFAULT '',
    created_at DATETIME NOT NULL,
    UNIQUE (kind, number)
);
CREATE INDEX documents_order_id ON documents (order_id);

-- +goose Down
DROP TABLE documents;
DROP TABLE invoices;
