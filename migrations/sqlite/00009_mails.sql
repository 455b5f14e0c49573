-- +goose Up
-- One mail to a customer about parcels of a delivery note. The row is the job.
CREATE TABLE mails (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id         BIGINT NOT NULL REFERENCES orders (id),
    delivery_note_id BIGINT NOT NULL REFERENCES delivery_notes (id),
    recipient        TEXT NOT NULL,
    language         TEXT NOT NULL,
    message_id       TEXT NOT NULL UNIQUE,
    state            TEXT NOT NULL,
    attempts         BIGINT NOT NULL DEFAULT 0,
    reason           TEXT NOT NULL DEFAULT '',
    answer           TEXT NOT NULL DEFAULT '',
    created_at       DATETIME NOT NULL,
    sent_at          DATETIME,
    due_at           DATETIME,
    lease_until      DATETIME,
    lease_token      TEXT NOT NULL DEFAULT ''
);
CREATE INDEX mails_due_at ON mails (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX mails_order_id ON mails (order_id);
CREATE INDEX mails_delivery_note_id ON mails (delivery_note_id);

-- Which mail tells of a tracking number: each is told once, even when its parcel is
-- removed and recorded again.
CREATE TABLE mail_trackings (
    delivery_note_id BIGINT NOT NULL REFERENCES delivery_notes (id),
    tracking_key     TEXT NOT NULL,
    mail_id          BIGINT NOT NULL REFERENCES mails (id),
    PRIMARY KEY (delivery_note_id, tracking_key)
);
CREATE INDEX mail_trackings_mail_id ON mail_trackings (mail_id);

-- +goose Down
DROP TABLE mail_trackings;
DROP TABLE mails;
