-- +goose Up
-- Many things done at once (a file, a selection, an autoship run), one after the other
-- in the background. The row is the job.
CREATE TABLE batches (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT NOT NULL,
    state       TEXT NOT NULL,
    title       TEXT NOT NULL DEFAULT '',
    params      TEXT NOT NULL DEFAULT '{}',
    total       BIGINT NOT NULL DEFAULT 0,
    done        BIGINT NOT NULL DEFAULT 0,
    unchanged   BIGINT NOT NULL DEFAULT 0,
    refused     BIGINT NOT NULL DEFAULT 0,
    actor       TEXT NOT NULL DEFAULT '',
    created_at  DATETIME NOT NULL,
    started_at  DATETIME,
    finished_at DATETIME,
    failures    BIGINT NOT NULL DEFAULT 0,  -- accidents with the next item
    due_at      DATETIME,
    lease_until DATETIME,
    lease_token TEXT NOT NULL DEFAULT ''
);
CREATE INDEX batches_due_at ON batches (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX batches_kind ON batches (kind, id);
CREATE UNIQUE INDEX batches_one_autoship ON batches (kind) WHERE kind = 'autoship' AND state IN ('running', 'stopped');

CREATE TABLE batch_items (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    batch_id BIGINT NOT NULL REFERENCES batches (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,               -- the line in the file, or the place in the selection
    label    TEXT NOT NULL DEFAULT '',
    order_id BIGINT REFERENCES orders (id),
    input    TEXT NOT NULL DEFAULT '',
    state    TEXT NOT NULL,
    messages TEXT,                          -- JSON; NULL when there are none
    UNIQUE (batch_id, position)
);
CREATE INDEX batch_items_state ON batch_items (batch_id, state, position);
CREATE INDEX batch_items_order_id ON batch_items (order_id) WHERE order_id IS NOT NULL;

-- +goose Down
DROP TABLE batch_items;
DROP TABLE batches;
