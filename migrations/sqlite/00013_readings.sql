-- +goose Up
-- An order as a person last read it at Klarna: what is asked before it leaves.
CREATE TABLE klarna_readings (
    order_id        BIGINT PRIMARY KEY REFERENCES orders (id),
    klarna_order_id TEXT NOT NULL,
    at              DATETIME NOT NULL,
    status          TEXT NOT NULL,
    fraud_status    TEXT NOT NULL,
    captured        BIGINT NOT NULL,
    remaining       BIGINT NOT NULL,
    expires_at      DATETIME
);
-- What was marked by hand, the newest first.
CREATE INDEX captures_done_by_hand ON captures (updated_at, id) WHERE state = 'done_by_hand';

-- +goose Down
DROP INDEX captures_done_by_hand;
DROP TABLE klarna_readings;
