package capture_test

import (
	"fmt"
	"testing"

	"zahlwerk/internal/carrier"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/klarnasandbox"
)

// Klarna hears how each parcel reaches the customer, in a capture and appended to one.
func TestShippingMethodIsTold(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	p := w.whole()
	record := func(by, number string) {
		t.Helper()
		if _, err := w.dispatch.RecordParcel(w.ctx, p.ID, dispatch.ParcelInput{Carrier: by, TrackingNumber: number}, "clerk"); err != nil {
			t.Fatal(err)
		}
	}
	unsaid := carrier.Input{Key: "kurier", Name: "Kurier", Code: "kurier", Position: 1, Active: true}
	if _, err := w.dispatch.Carriers.Create(w.ctx, unsaid, "admin"); err != nil {
		t.Fatal(err)
	}
	record("dhl-packstation", "1")
	record("kurier", "2")
	w.settle()
	record("inpost", "3")
	w.settle()
	if sent := p.sent(klarnasandbox.OpAppendShippingInfo); len(sent) != 1 {
		t.Errorf("appended %+v", sent)
	}
	var got []string
	for _, s := range p.atKlarna().Captures[0].ShippingInfo {
		got = append(got, s.ShippingCompany+" "+s.ShippingMethod)
	}
	if want := "[dhl-germany DHLPackstation kurier  inpost-paczkomaty PickUpPoint]"; fmt.Sprint(got) != want {
		t.Errorf("Klarna was told %v, want %s", got, want)
	}
}

func TestKlarnaTakesEveryShippingMethod(t *testing.T) {
	t.Parallel()
	var r klarna.ShippingInfoRequest
	for _, m := range append(carrier.Methods(), "") {
		r.ShippingInfo = append(r.ShippingInfo, klarna.ShippingInfo{ShippingMethod: klarna.ShippingMethod(m)})
	}
	if err := r.Validate(); err != nil || len(r.ShippingInfo) < 10 {
		t.Error(err)
	}
	r.ShippingInfo[0].ShippingMethod = "home"
	if r.Validate() == nil {
		t.Error("nothing is checked")
	}
}
