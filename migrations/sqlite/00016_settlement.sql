-- +goose Up
-- A live import, or the import of a file: a row that is worked on.
CREATE TABLE import_runs (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id     BIGINT NOT NULL REFERENCES business_accounts (id),
    source         TEXT NOT NULL,
    state          TEXT NOT NULL,
    phase          TEXT NOT NULL DEFAULT '',
    forced         BOOLEAN NOT NULL DEFAULT FALSE,
    actor          TEXT NOT NULL DEFAULT '',   -- '' = the hourly tick
    file_name      TEXT NOT NULL DEFAULT '',
    window_start   DATETIME,
    window_end     DATETIME,
    next_page      TEXT NOT NULL DEFAULT '',   -- JSON: where the list of payouts goes on
    listed         BIGINT NOT NULL DEFAULT 0,  -- how often the list was read from its beginning
    list_total     BIGINT,                     -- what Klarna said in this reading
    list_new       BIGINT NOT NULL DEFAULT 0,  -- what this reading found first
    payouts        BIGINT NOT NULL DEFAULT 0,
    payouts_done   BIGINT NOT NULL DEFAULT 0,
    payouts_new    BIGINT NOT NULL DEFAULT 0,
    payouts_known  BIGINT NOT NULL DEFAULT 0,
    payouts_failed BIGINT NOT NULL DEFAULT 0,
    lines_read     BIGINT NOT NULL DEFAULT 0,
    lines_new      BIGINT NOT NULL DEFAULT 0,
    lines_known    BIGINT NOT NULL DEFAULT 0,
    lines_matched  BIGINT NOT NULL DEFAULT 0,
    lines_proposed BIGINT NOT NULL DEFAULT 0,
    problem        TEXT NOT NULL DEFAULT '',   -- JSON: what went wrong, for people
    failures       BIGINT NOT NULL DEFAULT 0,  -- calls in a row that brought nothing
    put_off        TEXT,   -- JSON: what the last of these calls met
    created_at     DATETIME NOT NULL,
    started_at     DATETIME,
    finished_at    DATETIME,
    undone_at      DATETIME,
    undone_by      TEXT NOT NULL DEFAULT '',
    undone_after   BIGINT NOT NULL DEFAULT 0,  -- the newest import then: later ones bring it again
    due_at         DATETIME,
    lease_until    DATETIME,
    lease_token    TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX import_runs_active ON import_runs (account_id) WHERE state IN ('queued', 'running', 'stopped');
CREATE INDEX import_runs_due_at ON import_runs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX import_runs_account_id ON import_runs (account_id, id);

-- What a run has found and how far it is with it.
CREATE TABLE run_payouts (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id            BIGINT NOT NULL REFERENCES import_runs (id),
    payment_reference TEXT NOT NULL,
    state             TEXT NOT NULL,
    payout            TEXT NOT NULL,              -- JSON, as Klarna listed it
    next_page         TEXT NOT NULL DEFAULT '',   -- JSON: where its transactions go on
    reading           BIGINT NOT NULL DEFAULT 0,  -- how often it was read from its beginning
    total             BIGINT,                     -- what Klarna said in this reading
    lines             BIGINT NOT NULL DEFAULT 0,  -- of this reading
    digest            TEXT NOT NULL DEFAULT '',   -- of the lines of this reading so far
    digest_before     TEXT NOT NULL DEFAULT '',   -- of the reading before
    sums              TEXT NOT NULL DEFAULT '{}', -- JSON: raw amounts by type, of this reading
    payout_id         BIGINT,
    reread            BOOLEAN NOT NULL DEFAULT FALSE, -- it was here before: its lines are compared
    lines_new         BIGINT NOT NULL DEFAULT 0,
    lines_known       BIGINT NOT NULL DEFAULT 0,
    problem           TEXT NOT NULL DEFAULT '',
    UNIQUE (run_id, payment_reference)
);
CREATE INDEX run_payouts_open ON run_payouts (run_id, id) WHERE state NOT IN ('new', 'known', 'failed');

-- Pages as they were read, until their payout is complete.
CREATE TABLE staged_pages (
    run_payout_id BIGINT NOT NULL REFERENCES run_payouts (id) ON DELETE CASCADE,
    reading       BIGINT NOT NULL,
    position      BIGINT NOT NULL,                -- lines before it
    lines         BLOB NOT NULL,                  -- as Klarna sent them
    PRIMARY KEY (run_payout_id, reading, position)
);

-- Lines that were there before and were met again, until their payout is done.
CREATE TABLE lines_met (
    run_payout_id BIGINT NOT NULL REFERENCES run_payouts (id) ON DELETE CASCADE,
    line_id       BIGINT NOT NULL,
    PRIMARY KEY (run_payout_id, line_id)
);

-- What Klarna paid at once, in one currency. Klarna's totals are as Klarna sent them.
CREATE TABLE payouts (
    id                         INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id                 BIGINT NOT NULL REFERENCES business_accounts (id),
    run_id                     BIGINT NOT NULL REFERENCES import_runs (id),
    source                     TEXT NOT NULL,
    payment_reference          TEXT NOT NULL,
    payout_date                DATETIME NOT NULL,
    currency                   TEXT NOT NULL,
    registration_currency      TEXT NOT NULL DEFAULT '',
    settlement_type            TEXT NOT NULL DEFAULT '',
    merchant_id                TEXT NOT NULL DEFAULT '',
    sale_amount                BIGINT NOT NULL DEFAULT 0,
    return_amount              BIGINT NOT NULL DEFAULT 0,
    reversal_amount            BIGINT NOT NULL DEFAULT 0,
    fee_amount                 BIGINT NOT NULL DEFAULT 0,
    fee_refund_amount          BIGINT NOT NULL DEFAULT 0,
    fee_correction_amount      BIGINT NOT NULL DEFAULT 0,
    tax_amount                 BIGINT NOT NULL DEFAULT 0,
    tax_refund_amount          BIGINT NOT NULL DEFAULT 0,
    commission_amount          BIGINT NOT NULL DEFAULT 0,
    commission_reversal_amount BIGINT NOT NULL DEFAULT 0,
    charge_amount              BIGINT NOT NULL DEFAULT 0,
    credit_amount              BIGINT NOT NULL DEFAULT 0,
    holdback_amount            BIGINT NOT NULL DEFAULT 0,
    release_amount             BIGINT NOT NULL DEFAULT 0,
    repay_amount               BIGINT NOT NULL DEFAULT 0,
    deposit_amount             BIGINT NOT NULL DEFAULT 0,
    opening_debt_amount        BIGINT NOT NULL DEFAULT 0,
    closing_debt_amount        BIGINT NOT NULL DEFAULT 0,
    settlement_amount          BIGINT NOT NULL,
    complete                   BOOLEAN NOT NULL DEFAULT FALSE,
    signed                     BOOLEAN NOT NULL DEFAULT FALSE, -- Klarna's lines had their signs already
    lines                      BIGINT NOT NULL DEFAULT 0,
    matched                    BIGINT NOT NULL DEFAULT 0,
    lines_amount               BIGINT NOT NULL DEFAULT 0,      -- sum of the signed amounts
    difference                 BIGINT NOT NULL DEFAULT 0,      -- settlement_amount - lines_amount
    unexplained                BIGINT NOT NULL DEFAULT 0,
    reasons                    TEXT NOT NULL DEFAULT '[]',     -- JSON: what the difference is made of
    created_at                 DATETIME NOT NULL,
    UNIQUE (account_id, payment_reference)
);
CREATE INDEX payouts_payout_date ON payouts (payout_date, id);
CREATE INDEX payouts_account ON payouts (account_id, payout_date, id, currency, lines, lines_amount); -- has what is added up
CREATE INDEX payouts_payment_reference ON payouts (payment_reference);
CREATE INDEX payouts_settlement_amount ON payouts (settlement_amount);
CREATE INDEX payouts_run_id ON payouts (run_id);
CREATE INDEX payouts_to_explain ON payouts (id) WHERE unexplained <> 0 OR NOT complete;

-- One transaction of Klarna's. It has no id there: identity is a hash of what it is, and
-- ordinal counts those that are equal. Lines whose payout is gone were undone and wait to
-- be cleared away.
CREATE TABLE statement_lines (
    id                         INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id                 BIGINT NOT NULL,
    payout_id                  BIGINT NOT NULL,
    run_id                     BIGINT NOT NULL,
    payment_reference          TEXT NOT NULL,
    payout_date                DATETIME NOT NULL,
    identity                   TEXT NOT NULL,
    ordinal                    BIGINT NOT NULL,
    type                       TEXT NOT NULL,
    detailed_type              TEXT NOT NULL DEFAULT '',
    raw_amount                 BIGINT NOT NULL,            -- as Klarna sent it
    amount                     BIGINT NOT NULL,            -- signed: what it adds to the payout
    currency                   TEXT NOT NULL,
    sale_date                  DATETIME,
    capture_date               DATETIME,
    klarna_order_id            TEXT NOT NULL DEFAULT '',
    capture_id                 TEXT NOT NULL DEFAULT '',
    refund_id                  TEXT NOT NULL DEFAULT '',
    short_order_id             TEXT NOT NULL DEFAULT '',
    merchant_reference1        TEXT NOT NULL DEFAULT '',
    merchant_reference2        TEXT NOT NULL DEFAULT '',
    merchant_capture_reference TEXT NOT NULL DEFAULT '',
    merchant_refund_reference  TEXT NOT NULL DEFAULT '',
    reversal_reference         TEXT NOT NULL DEFAULT '',
    vat_rate                   BIGINT,                     -- hundredths of a per cent
    vat_amount                 BIGINT,
    tax_in_registration        BIGINT,
    purchase_country           TEXT NOT NULL DEFAULT '',
    shipping_country           TEXT NOT NULL DEFAULT '',
    klarna_payment_method      TEXT NOT NULL DEFAULT '',
    installments               BIGINT,
    klarna_comment             TEXT NOT NULL DEFAULT '',
    surplus                    BOOLEAN NOT NULL DEFAULT FALSE, -- a later reading did not have it
    match_state                TEXT NOT NULL,
    match_rule                 TEXT NOT NULL DEFAULT '',
    order_id                   BIGINT,
    capture_row_id             BIGINT,
    booked_payment             BOOLEAN NOT NULL DEFAULT FALSE, -- the order counts as paid because of it
    matched_by                 TEXT NOT NULL DEFAULT '',
    matched_at                 DATETIME,
    UNIQUE (payout_id, identity, ordinal)
);
CREATE INDEX statement_lines_cells ON statement_lines (payout_id, type, match_state, id); -- as payout_sums counts them
CREATE INDEX statement_lines_amount ON statement_lines (amount, payout_date, payout_id, id);
CREATE INDEX statement_lines_open ON statement_lines (match_state, id) WHERE match_state IN ('unmatched', 'proposed');
CREATE INDEX statement_lines_klarna_order_id ON statement_lines (klarna_order_id);
CREATE INDEX statement_lines_short_order_id ON statement_lines (short_order_id) WHERE short_order_id <> '';
CREATE INDEX statement_lines_merchant_reference1 ON statement_lines (merchant_reference1) WHERE merchant_reference1 <> '';
CREATE INDEX statement_lines_merchant_reference2 ON statement_lines (merchant_reference2) WHERE merchant_reference2 <> '';
CREATE INDEX statement_lines_order_id ON statement_lines (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX statement_lines_booked ON statement_lines (payout_id) WHERE booked_payment;

-- Sums of the lines of a payout, so that no page has to add up millions of lines.
CREATE TABLE payout_sums (
    payout_id   BIGINT NOT NULL REFERENCES payouts (id) ON DELETE CASCADE,
    type        TEXT NOT NULL,
    match_state TEXT NOT NULL,
    lines       BIGINT NOT NULL,
    amount      BIGINT NOT NULL,
    raw_amount  BIGINT NOT NULL,
    PRIMARY KEY (payout_id, type, match_state)
);
CREATE INDEX payout_sums_open ON payout_sums (payout_id, lines) WHERE match_state IN ('unmatched', 'proposed');

-- Orders that a line could belong to, where it is not clear.
CREATE TABLE match_proposals (
    line_id  BIGINT NOT NULL,
    order_id BIGINT NOT NULL,
    rule     TEXT NOT NULL,
    PRIMARY KEY (line_id, order_id)
);

-- What a person has said no to. It outlives the line: an import that was undone may bring
-- the same line again.
CREATE TABLE match_rejections (
    account_id  BIGINT NOT NULL,
    identity    TEXT NOT NULL,
    ordinal     BIGINT NOT NULL,
    order_id    BIGINT NOT NULL,
    rejected_by TEXT NOT NULL,
    rejected_at DATETIME NOT NULL,
    PRIMARY KEY (account_id, identity, ordinal, order_id)
);

-- The line with which a capture was paid out.
ALTER TABLE captures ADD COLUMN paid_out_line_id BIGINT;
CREATE INDEX captures_paid_out_line_id ON captures (paid_out_line_id) WHERE paid_out_line_id IS NOT NULL;

-- +goose Down
DROP INDEX captures_paid_out_line_id;
ALTER TABLE captures DROP COLUMN paid_out_line_id;
DROP TABLE match_rejections;
DROP TABLE match_proposals;
DROP TABLE payout_sums;
DROP TABLE statement_lines;
DROP TABLE payouts;
DROP TABLE lines_met;
DROP TABLE staged_pages;
DROP TABLE run_payouts;
DROP TABLE import_runs;
