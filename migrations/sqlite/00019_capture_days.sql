-- +goose Up
-- How many captures there were on a day.
CREATE INDEX captures_captured_at ON captures (captured_at) WHERE captured_at IS NOT NULL;

-- +goose Down
DROP INDEX captures_captured_at;
