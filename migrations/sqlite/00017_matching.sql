-- +goose Up
-- How we know that an order is paid.
ALTER TABLE orders ADD COLUMN paid_by TEXT NOT NULL DEFAULT '';
-- Klarna's short reference finds orders, too.
CREATE INDEX orders_klarna_reference ON orders (klarna_reference) WHERE klarna_reference <> '';
CREATE INDEX match_proposals_order_id ON match_proposals (order_id);
ALTER TABLE statement_lines ADD COLUMN released_order BOOLEAN NOT NULL DEFAULT FALSE; -- the order was released with the payment

-- Since when Klarna owes us the money of a capture: NULL where it has paid, or where there is
-- nothing that it would pay.
ALTER TABLE captures ADD COLUMN owed_since DATETIME GENERATED ALWAYS AS (
    CASE WHEN paid_out_line_id IS NULL AND state IN ('confirmed', 'done_by_hand', 'refused', 'unknown') THEN coalesce(captured_at, created_at) END) VIRTUAL;
CREATE INDEX captures_not_paid_out ON captures (owed_since, id, payment_method_id, state) WHERE owed_since IS NOT NULL;

-- What is captured but not paid out, by the day since when: the list of it shows sums, and
-- may be long. Triggers keep them, since captures change in many places; so they are the
-- sums of exactly those rows that stand in the index captures_not_paid_out.
CREATE TABLE owed_sums (
    day               TEXT NOT NULL,
    currency          TEXT NOT NULL,
    payment_method_id BIGINT NOT NULL,
    state             TEXT NOT NULL,
    captures          BIGINT NOT NULL,
    amount            BIGINT NOT NULL,
    PRIMARY KEY (day, currency, payment_method_id, state)
) WITHOUT ROWID;
INSERT INTO owed_sums
    SELECT substr(c.owed_since, 1, 10), o.currency, c.payment_method_id, c.state, count(*), sum(c.amount)
    FROM captures c JOIN orders o ON o.id = c.order_id
    WHERE c.owed_since IS NOT NULL
    GROUP BY substr(c.owed_since, 1, 10), o.currency, c.payment_method_id, c.state;

-- +goose StatementBegin
CREATE TRIGGER captures_owed_from_now AFTER INSERT ON captures
WHEN NEW.owed_since IS NOT NULL
BEGIN
    INSERT INTO owed_sums
        SELECT substr(NEW.owed_since, 1, 10), o.currency, NEW.payment_method_id, NEW.state, 1, NEW.amount FROM orders o WHERE o.id = NEW.order_id
        ON CONFLICT DO UPDATE SET captures = captures + 1, amount = amount + excluded.amount;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER captures_not_owed_as_before AFTER UPDATE OF state, amount, captured_at, paid_out_line_id ON captures
WHEN OLD.owed_since IS NOT NULL
BEGIN
    UPDATE owed_sums SET captures = captures - 1, amount = amount - OLD.amount
        WHERE day = substr(OLD.owed_since, 1, 10) AND currency = (SELECT o.currency FROM orders o WHERE o.id = OLD.order_id)
            AND payment_method_id = OLD.payment_method_id AND state = OLD.state;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER captures_owed_otherwise AFTER UPDATE OF state, amount, captured_at, paid_out_line_id ON captures
WHEN NEW.owed_since IS NOT NULL
BEGIN
    INSERT INTO owed_sums
        SELECT substr(NEW.owed_since, 1, 10), o.currency, NEW.payment_method_id, NEW.state, 1, NEW.amount FROM orders o WHERE o.id = NEW.order_id
        ON CONFLICT DO UPDATE SET captures = captures + 1, amount = amount + excluded.amount;
END;
-- +goose StatementEnd

-- What all lines of an account come to, so that the sums of a list need not add millions of
-- payouts up. Triggers keep them from payout_sums, however these change; the one before a
-- payout is deleted tells them while it still has its account and currency.
CREATE TABLE line_sums (
    account_id  BIGINT NOT NULL,
    currency    TEXT NOT NULL,
    type        TEXT NOT NULL,
    match_state TEXT NOT NULL,
    lines       BIGINT NOT NULL,
    amount      BIGINT NOT NULL,
    PRIMARY KEY (account_id, currency, type, match_state)
) WITHOUT ROWID;
INSERT INTO line_sums
    SELECT p.account_id, p.currency, s.type, s.match_state, sum(s.lines), sum(s.amount)
    FROM payout_sums s JOIN payouts p ON p.id = s.payout_id GROUP BY p.account_id, p.currency, s.type, s.match_state;

-- +goose StatementBegin
CREATE TRIGGER payout_sums_inserted AFTER INSERT ON payout_sums
BEGIN
    INSERT INTO line_sums SELECT p.account_id, p.currency, NEW.type, NEW.match_state, NEW.lines, NEW.amount FROM payouts p WHERE p.id = NEW.payout_id
        ON CONFLICT DO UPDATE SET lines = lines + excluded.lines, amount = amount + excluded.amount;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER payout_sums_updated AFTER UPDATE ON payout_sums
BEGIN
    UPDATE line_sums SET lines = lines + NEW.lines - OLD.lines, amount = amount + NEW.amount - OLD.amount
        WHERE (account_id, currency) = (SELECT p.account_id, p.currency FROM payouts p WHERE p.id = NEW.payout_id)
            AND type = NEW.type AND match_state = NEW.match_state;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER payout_sums_deleted AFTER DELETE ON payout_sums
BEGIN
    UPDATE line_sums SET lines = lines - OLD.lines, amount = amount - OLD.amount
        WHERE (account_id, currency) = (SELECT p.account_id, p.currency FROM payouts p WHERE p.id = OLD.payout_id)
            AND type = OLD.type AND match_state = OLD.match_state;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER payouts_deleted BEFORE DELETE ON payouts
BEGIN
    DELETE FROM payout_sums WHERE payout_id = OLD.id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER payouts_currency AFTER UPDATE OF currency ON payouts WHEN NEW.currency <> OLD.currency
BEGIN
    UPDATE line_sums SET lines = line_sums.lines - s.lines, amount = line_sums.amount - s.amount FROM payout_sums s
        WHERE s.payout_id = OLD.id AND account_id = OLD.account_id AND currency = OLD.currency
            AND line_sums.type = s.type AND line_sums.match_state = s.match_state;
    INSERT INTO line_sums SELECT NEW.account_id, NEW.currency, s.type, s.match_state, s.lines, s.amount FROM payout_sums s WHERE s.payout_id = NEW.id
        ON CONFLICT DO UPDATE SET lines = lines + excluded.lines, amount = amount + excluded.amount;
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER payouts_currency;
DROP TRIGGER payouts_deleted;
DROP TRIGGER payout_sums_deleted;
DROP TRIGGER payout_sums_updated;
DROP TRIGGER payout_sums_inserted;
DROP TABLE line_sums;
DROP TRIGGER captures_owed_otherwise;
DROP TRIGGER captures_not_owed_as_before;
DROP TRIGGER captures_owed_from_now;
DROP TABLE owed_sums;
DROP INDEX captures_not_paid_out;
ALTER TABLE captures DROP COLUMN owed_since;
ALTER TABLE statement_lines DROP COLUMN released_order;
DROP INDEX match_proposals_order_id;
DROP INDEX orders_klarna_reference;
ALTER TABLE orders DROP COLUMN paid_by;
