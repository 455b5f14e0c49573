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

-- +goose Down
DROP TRIGGER captures_owed ON captures;
DROP FUNCTION keep_owed_sums();
DROP TABLE owed_sums;
DROP INDEX captures_not_paid_out;
ALTER TABLE captures DROP COLUMN owed_since;
ALTER TABLE statement_lines DROP COLUMN released_order;
DROP INDEX match_proposals_order_id;
DROP INDEX orders_klarna_reference;
ALTER TABLE orders DROP COLUMN paid_by;
