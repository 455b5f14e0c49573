-- +goose Up
-- Until when the invoice of an order is to be paid; NULL without an invoice. It stands
-- beside what decides whether it still is to be paid, so that one index has exactly the
-- open items in the order of their due dates, however many are paid. Behind the order
-- stands what counting and adding up looks at: it never reads the orders themselves.
ALTER TABLE orders ADD COLUMN pay_by DATETIME;
CREATE INDEX orders_open_items ON orders (pay_by, id, currency, total, status, mark_paid, paid_at)
    WHERE pay_by IS NOT NULL AND paid_at IS NULL AND NOT mark_paid AND status <> 'cancelled';

-- What a customer was reminded of (Mahnungen), a level at a time.
CREATE TABLE reminders (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    invoice_id BIGINT NOT NULL REFERENCES invoices (id),
    level      BIGINT NOT NULL,
    number     TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,               -- as the level was called, by language
    fee        BIGINT NOT NULL,
    currency   TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    pay_by     DATETIME NOT NULL,           -- the last moment that is in time
    created_by TEXT NOT NULL DEFAULT '',
    UNIQUE (invoice_id, level)
);

-- Invoices of which nobody is reminded (Mahnsperre).
CREATE TABLE reminder_holds (
    invoice_id BIGINT NOT NULL PRIMARY KEY REFERENCES invoices (id),
    reason     TEXT NOT NULL,
    until      DATETIME,                    -- its last moment; NULL: for good
    created_at DATETIME NOT NULL,
    created_by TEXT NOT NULL DEFAULT ''
);

-- +goose Down
DROP TABLE reminder_holds;
DROP TABLE reminders;
DROP INDEX orders_open_items;
ALTER TABLE orders DROP COLUMN pay_by;
