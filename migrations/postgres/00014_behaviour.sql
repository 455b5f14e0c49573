-- +goose Up
-- How the payment method behaved when the order was made: another behaviour of the
-- method is for new orders.
ALTER TABLE orders ADD COLUMN behaves_like TEXT COLLATE "C" NOT NULL DEFAULT 'invoice';
UPDATE orders SET behaves_like = (SELECT m.behaves_like FROM payment_methods m WHERE m.id = orders.payment_method_id);

-- +goose Down
ALTER TABLE orders DROP COLUMN behaves_like;
