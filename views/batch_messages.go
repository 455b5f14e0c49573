package views

import (
	"context"

	"zahlwerk/internal/batch"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/order"
)

// BatchMessage is what a message of a batch says, in the reader's language. Amounts
// came through the database as objects and are money again here.
func BatchMessage(ctx context.Context, m batch.Message) string {
	args := make([]any, 0, 2*len(m.Args))
	for name, value := range m.Args {
		args = append(args, name, restored(value))
	}
	return i18n.T(ctx, m.Key, args...)
}

// restored is a value as it was before it was kept as JSON.
func restored(value any) any {
	switch v := value.(type) {
	case map[string]any:
		amount, isAmount := v["amount"].(float64)
		currency, isMoney := v["currency"].(string)
		if isAmount && isMoney {
			return order.Money{Amount: int64(amount), Currency: currency}
		}
	case float64:
		if whole := int64(v); float64(whole) == v {
			return whole
		}
	}
	return value
}
