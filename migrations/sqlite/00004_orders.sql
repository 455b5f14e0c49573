-- +goose Up
CREATE TABLE orders (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    number            TEXT NOT NULL UNIQUE,
    external_number   TEXT NOT NULL DEFAULT '',
    status            TEXT NOT NULL,
    placed_at         DATETIME NOT NULL,
    payment_method_id BIGINT NOT NULL REFERENCES payment_methods (id),
    klarna_order_id   TEXT NOT NULL DEFAULT '',
    klarna_reference  TEXT NOT NULL DEFAULT '',
    expires_at        DATETIME,             -- end of the authorisation, when last read at Klarna
    currency          TEXT NOT NULL,
    total             BIGINT NOT NULL,
    customer_name     TEXT NOT NULL,
    customer_email    TEXT NOT NULL DEFAULT '',
    country           TEXT NOT NULL DEFAULT '',
    billing_address   TEXT NOT NULL,
    shipping_address  TEXT NOT NULL DEFAULT '',
    mark_paid         BOOLEAN NOT NULL,
    paid_at           DATETIME,
    documents         TEXT NOT NULL,
    auto_ship         BOOLEAN NOT NULL,
    tell_klarna       BOOLEAN NOT NULL,
    dont_tell_reason  TEXT NOT NULL DEFAULT '',
    feedback          TEXT NOT NULL,
    content_hash      TEXT NOT NULL,
    created_by        TEXT NOT NULL DEFAULT '',
    created_at        DATETIME NOT NULL,
    updated_at        DATETIME NOT NULL,
    shipped_at        DATETIME,
    cancelled_at      DATETIME
);
CREATE UNIQUE INDEX orders_klarna_order_id ON orders (klarna_order_id) WHERE klarna_order_id <> '';
CREATE INDEX orders_external_number ON orders (external_number) WHERE external_number <> '';
CREATE INDEX orders_feedback ON orders (feedback, id);
CREATE INDEX orders_status ON orders (status, id);
CREATE INDEX orders_payment_method_id ON orders (payment_method_id, id);
CREATE INDEX orders_placed_at ON orders (placed_at, id);

CREATE TABLE order_lines (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id   BIGINT NOT NULL REFERENCES orders (id),
    position   BIGINT NOT NULL,
    sku        TEXT NOT NULL DEFAULT '',
    name       TEXT NOT NULL,
    type       TEXT NOT NULL,
    quantity   BIGINT NOT NULL,             -- thousandths
    unit_price BIGINT NOT NULL,
    tax_rate   BIGINT NOT NULL,             -- hundredths of a percent
    total      BIGINT NOT NULL,
    amount     BIGINT NOT NULL,             -- total with its share of the order's discounts
    UNIQUE (order_id, position)
);

-- What an order is found by: the words of its numbers, names and parcels, in lower case.
CREATE TABLE order_terms (
    term     TEXT NOT NULL,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    PRIMARY KEY (term, order_id)
);
CREATE INDEX order_terms_order_id ON order_terms (order_id);

CREATE TABLE delivery_notes (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id         BIGINT NOT NULL REFERENCES orders (id),
    number           TEXT NOT NULL UNIQUE,
    amount           BIGINT NOT NULL,
    whole            BOOLEAN NOT NULL,      -- the only note of its order, with all of it
    without_tracking BOOLEAN NOT NULL DEFAULT FALSE,
    created_by       TEXT NOT NULL DEFAULT '',
    created_at       DATETIME NOT NULL,
    shipped_at       DATETIME,
    withdrawn_at     DATETIME
);
CREATE INDEX delivery_notes_order_id ON delivery_notes (order_id);
CREATE INDEX delivery_notes_open ON delivery_notes (id) WHERE shipped_at IS NULL AND withdrawn_at IS NULL;

CREATE TABLE delivery_note_lines (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery_note_id BIGINT NOT NULL REFERENCES delivery_notes (id),
    order_line_id    BIGINT NOT NULL REFERENCES order_lines (id),
    quantity         BIGINT NOT NULL,       -- thousandths
    amount           BIGINT NOT NULL,
    UNIQUE (delivery_note_id, order_line_id)
);
CREATE INDEX delivery_note_lines_order_line_id ON delivery_note_lines (order_line_id);

CREATE TABLE parcels (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id         BIGINT NOT NULL REFERENCES orders (id),
    delivery_note_id BIGINT NOT NULL REFERENCES delivery_notes (id),
    carrier          TEXT NOT NULL,         -- Klarna's code, or what was entered
    tracking_number  TEXT NOT NULL,
    tracking_key     TEXT NOT NULL,         -- the number without blanks, dots and dashes, in upper case
    tracking_url     TEXT NOT NULL DEFAULT '',
    label_printed_at DATETIME,
    report           TEXT NOT NULL,
    reported_at      DATETIME,
    created_by       TEXT NOT NULL DEFAULT '',
    created_at       DATETIME NOT NULL,
    UNIQUE (delivery_note_id, tracking_key)
);
CREATE INDEX parcels_order_id ON parcels (order_id);
CREATE INDEX parcels_tracking_key ON parcels (tracking_key);
CREATE INDEX parcels_report ON parcels (report, id) WHERE report IN ('refused', 'unknown');

-- What happened to an order, in the order it happened. Only ever added to.
CREATE TABLE protocol_entries (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    at       DATETIME NOT NULL,
    actor    TEXT NOT NULL,
    kind     TEXT NOT NULL,
    outcome  TEXT NOT NULL,                 -- info, ok, failed
    params   TEXT NOT NULL DEFAULT '{}',
    call_id  BIGINT
);
CREATE INDEX protocol_entries_order_id ON protocol_entries (order_id, id);

-- +goose Down
DROP TABLE protocol_entries;
DROP TABLE parcels;
DROP TABLE delivery_note_lines;
DROP TABLE delivery_notes;
DROP TABLE order_terms;
DROP TABLE order_lines;
DROP TABLE orders;
