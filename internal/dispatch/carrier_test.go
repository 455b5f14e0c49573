package dispatch_test

import (
	"errors"
	"fmt"
	"testing"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/carrier"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

// Nobody has to name a carrier whose numbers look like no other's.
func TestCarrierByItsNumber(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		for number, want := range map[string]string{
			"00340434161094042557":   "dhl-germany Home https://www.dhl.de/de/privatkunden/pakete-empfangen/verfolgen.html?piececode=00340434161094042557",
			"1z 999 aa1 01 23456784": "ups Home https://www.ups.com/track?tracknum=1z999aa10123456784",
			"RR 123456785 DE":        "deutsch-post Postal https://www.deutschepost.de/de/s/sendungsverfolgung.html?piececode=RR123456785DE",
		} {
			r := s.record(s.place("klarna"), dispatch.ParcelInput{Carrier: " ", TrackingNumber: number})
			p := r.Parcel
			if got := fmt.Sprint(p.Carrier, " ", p.ShippingMethod, " ", p.TrackingURL); got != want || r.UnknownCarrier || !r.Created {
				t.Errorf("%s: %s (%+v), want %s", number, got, r, want)
			}
		}
	})
}

func TestCarrierThatCannotBeRecognised(t *testing.T) {
	t.Parallel()
	s := newShop(t, storetest.SQLite(t))
	o := s.place("klarna")
	for number, want := range map[string]string{
		"4711":           "carrier dispatch.error.carrier_not_recognised []",
		"09133131530724": "carrier dispatch.error.carrier_ambiguous [Carriers Hermes, DPD]",
	} {
		_, err := s.dispatch.RecordParcel(t.Context(), o.ID, dispatch.ParcelInput{TrackingNumber: number}, "clerk")
		e, ok := errors.AsType[*fault.Error](err)
		if !ok || e.Code != fault.Invalid || len(e.Fields) != 1 {
			t.Fatalf("%s: %v", number, err)
		}
		if got := fmt.Sprint(e.Fields[0].Name, " ", e.Fields[0].Key, " ", e.Fields[0].Args); got != want {
			t.Errorf("%s: %s, want %s", number, got, want)
		}
	}
	err := s.dispatch.Ship(t.Context(), o.ID, dispatch.ShipInput{Parcels: []dispatch.ParcelInput{{TrackingNumber: "4711"}}}, "clerk")
	s.refused(err, fault.Invalid, "parcels.0.carrier dispatch.error.carrier_not_recognised")
	if now := s.now(o); len(now.Notes) != 0 {
		t.Errorf("something was recorded: %+v", now.Notes)
	}
	s.record(o, dispatch.ParcelInput{Carrier: "dpd", TrackingNumber: "09133131530724"})
	if r := s.record(o, dispatch.ParcelInput{TrackingNumber: "09133131530724"}); r.Created {
		t.Error("a number that is there already asks for its carrier")
	}
}

// A parcel keeps the carrier as it was when it was recorded.
func TestParcelKeepsItsCarrier(t *testing.T) {
	t.Parallel()
	s := newShop(t, storetest.SQLite(t))
	carriers := carrier.New(s.db, s.clock, audit.New(s.db))
	table, err := carriers.List(t.Context())
	s.must(err)
	dhl, _ := table.Find("dhl")
	o := s.place("klarna")
	s.record(o, parcel("1"))

	in := carrier.InputOf(&dhl)
	in.Code, in.ShippingMethod, in.TrackingURL, in.Active = "dhl-pieceid", "", "", false
	_, err = carriers.Update(t.Context(), dhl.ID, in, "admin")
	s.must(err)
	s.record(o, parcel("2")) // inactive, but named
	s.record(o, dispatch.ParcelInput{Carrier: "Fahrradkurier Meier", TrackingNumber: "3"})

	parcels := s.now(o).Notes[0].Parcels
	for i, want := range []string{"dhl-germany Home", "dhl-pieceid ", "Fahrradkurier Meier Home"} {
		if got := parcels[i].Carrier + " " + parcels[i].ShippingMethod; got != want || (parcels[i].TrackingURL != "") != (i == 0) {
			t.Errorf("parcel %d: %q at %q, want %q", i, got, parcels[i].TrackingURL, want)
		}
	}
	_, err = s.dispatch.RecordParcel(t.Context(), o.ID, dispatch.ParcelInput{TrackingNumber: "00340434161094042557"}, "clerk")
	s.refused(err, fault.Invalid, "carrier dispatch.error.carrier_not_recognised")
}
