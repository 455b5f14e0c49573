-- +goose Up
-- What was found in a settlement report when it was read, for people.
CREATE TABLE settlement_files (
    run_id BIGINT NOT NULL PRIMARY KEY REFERENCES import_runs (id) ON DELETE CASCADE,
    report TEXT COLLATE "C" NOT NULL -- JSON
);

-- +goose Down
DROP TABLE settlement_files;
