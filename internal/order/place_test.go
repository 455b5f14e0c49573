package order_test

import (
	"testing"
	"time"

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

func TestMomentIsLocal(t *testing.T) {
	t.Parallel()
	m := order.Moment{Time: time.Date(2026, 11, 30, 23, 5, 0, 0, time.UTC)}
	if de, en := m.Localize("de"), m.Localize("en"); de != "01.12.2026 00:05" || en != "1\u00a0Dec\u00a02026, 00:05" {
		t.Errorf("%q, %q", de, en)
	}
	if got := (order.Moment{}).Localize("de"); got != "" {
		t.Errorf("no time: %q", got)
	}
}
