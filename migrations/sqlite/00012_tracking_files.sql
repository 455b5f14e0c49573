-- +goose Up
-- Files of tracking numbers that somebody has sent and not imported yet: the columns are
-- still to be named. In parts, so that no transaction writes much at once.
CREATE TABLE tracking_files (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at DATETIME NOT NULL
);
CREATE INDEX tracking_files_created_at ON tracking_files (created_at);

CREATE TABLE tracking_file_parts (
    file_id TEXT NOT NULL REFERENCES tracking_files (id) ON DELETE CASCADE,
    part    BIGINT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (file_id, part)
);

-- +goose Down
DROP TABLE tracking_file_parts;
DROP TABLE tracking_files;
