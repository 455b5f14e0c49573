-- +goose Up
-- How we know that an order is paid.
ALTER TABLE orders ADD COLUMN paid_by TEXT COLLATE "C" NOT NULL DEFAULT '';
-- Klarna's short reference finds orders, too.
CREATE INDEX orders_klarna_reference ON orders (klarna_reference) WHERE klarna_reference <> '';
CREATE INDEX match_proposals_order_id ON match_proposals (order_id);
ALTER TABLE statement_lines ADD COLUMN released_order BOOLEAN NOT NULL DEFAULT FALSE; -- the order was released with the payment

-- Since when Klarna owes us the money of a capture: NULL where it has paid, or where there is
-- nothing that it would pay.
ALTER TABLE captures ADD COLUMN owed_since TIMESTAMPTZ GENERATED ALWAYS AS (
    CASE WHEN paid_out_line_id IS NULL AND state IN ('confirmed', 'done_by_hand', 'refused', 'unknown') THEN coalesce(captured_at, created_at) END) STORED;
CREATE INDEX captures_not_paid_out ON captures (owed_since, id, payment_method_id, state) WHERE owed_since IS NOT NULL;

-- What is captured but not paid out, by the day since when: the list of it shows sums, and
-- may be long. Triggers keep them, since captures change in many places; so they are the
-- sums of exactly those rows that stand in the index captures_not_paid_out.
CREATE TABLE owed_sums (
    day               TEXT COLLATE "C" NOT NULL,
    currency          TEXT COLLATE "C" NOT NULL,
    payment_method_id BIGINT NOT NULL,
    state             TEXT COLLATE "C" NOT NULL,
    captures          BIGINT NOT NULL,
    amount            BIGINT NOT NULL,
    PRIMARY KEY (day, currency, payment_method_id, state)
);
INSERT INTO owed_sums
    SELECT to_char(c.owed_since AT TIME ZONE 'UTC', 'YYYY-MM-DD'), o.currency, c.payment_method_id, c.state, count(*), sum(c.amount)
    FROM captures c JOIN orders o ON o.id = c.order_id
    WHERE c.owed_since IS NOT NULL
    GROUP BY 1, o.currency, c.payment_method_id, c.state;

-- +goose StatementBegin
CREATE FUNCTION keep_owed_sums() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.owed_since IS NOT NULL THEN
        UPDATE owed_sums SET captures = captures - 1, amount = amount - OLD.amount
            WHERE day = to_char(OLD.owed_since AT TIME ZONE 'UTC', 'YYYY-MM-DD')
                AND currency = (SELECT o.currency FROM orders o WHERE o.id = OLD.order_id)
                AND payment_method_id = OLD.payment_method_id AND state = OLD.state;
    END IF;
    IF NEW.owed_since IS NOT NULL THEN
        INSERT INTO owed_sums AS s
            SELECT to_char(NEW.owed_since AT TIME ZONE 'UTC', 'YYYY-MM-DD'), o.currency, NEW.payment_method_id, NEW.state, 1, NEW.amount
            FROM orders o WHERE o.id = NEW.order_id
            ON CONFLICT (day, currency, payment_method_id, state) DO UPDATE
                SET captures = s.captures + 1, amount = s.amount + excluded.amount;
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER captures_owed AFTER INSERT OR UPDATE OF state, amount, captured_at, paid_out_line_id ON captures
    FOR EACH ROW EXECUTE FUNCTION keep_owed_sums();

-- What all lines of an account come to, so that the sums of a list need not add millions of
-- payouts up. Triggers keep them from payout_sums, however these change; the one before a
-- payout is deleted tells them while it still has its account and currency.
CREATE TABLE line_sums (
    account_id  BIGINT NOT NULL,
    currency    TEXT COLLATE "C" NOT NULL,
    type        TEXT COLLATE "C" NOT NULL,
    match_state TEXT COLLATE "C" NOT NULL,
    lines       BIGINT NOT NULL,
    amount      BIGINT NOT NULL,
    PRIMARY KEY (account_id, currency, type, match_state)
);
INSERT INTO line_sums
    SELECT p.account_id, p.currency, s.type, s.match_state, sum(s.lines), sum(s.amount)
    FROM payout_sums s JOIN payouts p ON p.id = s.payout_id GROUP BY p.account_id, p.currency, s.type, s.match_state;

-- +goose StatementBegin
CREATE FUNCTION keep_line_sums() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        UPDATE line_sums s SET lines = s.lines - OLD.lines, amount = s.amount - OLD.amount FROM payouts p
            WHERE p.id = OLD.payout_id AND s.account_id = p.account_id AND s.currency = p.currency
                AND s.type = OLD.type AND s.match_state = OLD.match_state;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO line_sums AS s
            SELECT p.account_id, p.currency, NEW.type, NEW.match_state, NEW.lines, NEW.amount FROM payouts p WHERE p.id = NEW.payout_id
            ON CONFLICT (account_id, currency, type, match_state) DO UPDATE
                SET lines = s.lines + excluded.lines, amount = s.amount + excluded.amount;
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER payout_sums_changed AFTER INSERT OR UPDATE OR DELETE ON payout_sums
    FOR EACH ROW EXECUTE FUNCTION keep_line_sums();

-- +goose StatementBegin
CREATE FUNCTION drop_payout_sums() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM payout_sums WHERE payout_id = OLD.id;
    RETURN OLD;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER payouts_deleted BEFORE DELETE ON payouts FOR EACH ROW EXECUTE FUNCTION drop_payout_sums();

-- +goose StatementBegin
CREATE FUNCTION move_line_sums() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE line_sums l SET lines = l.lines - s.lines, amount = l.amount - s.amount FROM payout_sums s
        WHERE s.payout_id = OLD.id AND l.account_id = OLD.account_id AND l.currency = OLD.currency
            AND l.type = s.type AND l.match_state = s.match_state;
    INSERT INTO line_sums AS l
        SELECT NEW.account_id, NEW.currency, s.type, s.match_state, s.lines, s.amount FROM payout_sums s WHERE s.payout_id = NEW.id
        ON CONFLICT (account_id, currency, type, match_state) DO UPDATE
            SET lines = l.lines + excluded.lines, amount = l.amount + excluded.amount;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER payouts_currency AFTER UPDATE OF currency ON payouts
    FOR EACH ROW WHEN (NEW.currency <> OLD.currency) EXECUTE FUNCTION move_line_sums();

-- +goose Down
DROP TRIGGER payouts_currency ON payouts;
DROP FUNCTION move_line_sums();
DROP TRIGGER payouts_deleted ON payouts;
DROP FUNCTION drop_payout_sums();
DROP TRIGGER payout_sums_changed ON payout_sums;
DROP FUNCTION keep_line_sums();
DROP TABLE line_sums;
DROP TRIGGER captures_owed ON captures;
DROP FUNCTION keep_owed_sums();
DROP TABLE owed_sums;
DROP INDEX captures_not_paid_out;
ALTER TABLE captures DROP COLUMN owed_since;
ALTER TABLE statement_lines DROP COLUMN released_order;
DROP INDEX match_proposals_order_id;
DROP INDEX orders_klarna_reference;
ALTER TABLE orders DROP COLUMN paid_by;
