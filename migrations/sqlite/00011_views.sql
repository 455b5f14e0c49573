-- +goose Up
-- Restrictions of the list of orders that a person keeps under a name.
CREATE TABLE saved_views (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id    BIGINT NOT NULL REFERENCES users (id),
    name       TEXT NOT NULL,
    query      TEXT NOT NULL,               -- as it stands in the address
    created_at DATETIME NOT NULL,
    UNIQUE (user_id, name)
);

-- The order's page asks for its parcels by the order.
CREATE INDEX parcel_appends_order_id ON parcel_appends (order_id);

-- +goose Down
DROP INDEX parcel_appends_order_id;
DROP TABLE saved_views;
