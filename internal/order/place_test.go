package order_test

import (
	"testing"

	"zahlwerk/internal/order"
)

func TestLanguageFollowsTheParcel(t *testing.T) {
	t.Parallel()
	for country, want := range map[string]string{"DE": "de", "AT": "de", "CH": "de", "LI": "de", "LU": "de", "FR": "en", "": "en"} {
		o := order.Order{BillingAddress: order.Address{Country: "DE"}, ShippingAddress: &order.Address{Country: country}}
		if got := o.Language(); got != want {
			t.Errorf("to %q: %q, want %q", country, got, want)
		}
	}
	if o := (order.Order{BillingAddress: order.Address{Country: "AT"}}); o.Language() != "de" {
		t.Error("without another address it goes to where the invoice goes")
	}
}
