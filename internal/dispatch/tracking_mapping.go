package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"zahlwerk/internal/csvfile"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/store"
)

// Reference is what a carrier's file names a shipment by.
type Reference string

// The references.
const (
	AnyReference      Reference = "any" // whichever of the others it is
	OrderReference    Reference = "order"
	NoteReference     Reference = "delivery_note"
	ExternalReference Reference = "external"
)

// References lists all references.
var References = []Reference{AnyReference, OrderReference, NoteReference, ExternalReference}

// TrackingMapping says what the columns of a file of tracking numbers are, by their
// names.
type TrackingMapping struct {
	Reference      string    `json:"reference"`
	ReferenceIs    Reference `json:"reference_is"`
	TrackingNumber string    `json:"tracking_number"`
	CarrierColumn  string    `json:"carrier_column"` // "" for none
	// Carrier is the key of the carrier of rows that name none; "": the one that the
	// number's form tells.
	Carrier string `json:"carrier"`
}

func mappingSetting(t *csvfile.Table) string { return "tracking_mapping:" + t.Signature() }

// ProposeTrackingMapping returns how the columns of a file were named the last time, with
// known true, or else what their names suggest.
func (s *Service) ProposeTrackingMapping(ctx context.Context, t *csvfile.Table) (m TrackingMapping, known bool, err error) {
	saved, err := store.Setting(s.db.Read(ctx), mappingSetting(t))
	if err != nil {
		return m, false, fmt.Errorf("read the columns of tracking numbers: %w", err)
	}
	if saved != "" && json.Unmarshal([]byte(saved), &m) == nil && m.check(t) == nil {
		return m, true, nil
	}
	return suggestMapping(t), false, nil
}

func (s *Service) saveTrackingMapping(ctx context.Context, t *csvfile.Table, m TrackingMapping) error {
	b, err := json.Marshal(m)
	if err == nil {
		err = s.db.InTx(ctx, func(tx *gorm.DB) error { return store.SetSetting(tx, mappingSetting(t), string(b)) })
	}
	if err != nil {
		return fmt.Errorf("save the columns of tracking numbers: %w", err)
	}
	return nil
}

// check refuses columns that the file does not have.
func (m TrackingMapping) check(t *csvfile.Table) error {
	var f fault.Checker
	column := func(field, name string, required bool) {
		switch {
		case name == "" && required:
			f.Add(field, "error.required")
		case name != "" && t.Index(name) < 0:
			f.Add(field, "error.choice", "Value", name)
		}
	}
	column("reference", m.Reference, true)
	column("tracking_number", m.TrackingNumber, true)
	column("carrier_column", m.CarrierColumn, false)
	if !slices.Contains(References, m.ReferenceIs) {
		f.Add("reference_is", "error.choice", "Value", string(m.ReferenceIs))
	}
	if at := t.Index(m.Reference); at >= 0 && at == t.Index(m.TrackingNumber) {
		f.Add("tracking_number", "tracking.error.same_column")
	}
	return f.Err()
}

// Names that carriers' programs give to columns, the surest first. What is more telling
// than the name of the column is said by is.
var (
	referenceNames = []struct {
		name string
		is   Reference
	}{
		{"Lieferscheinnummer", NoteReference}, {"Lieferschein", NoteReference}, {"Lieferschein-Nr", NoteReference}, {"delivery note", NoteReference},
		{"delivery note number", NoteReference}, {"Auftragsnummer", OrderReference}, {"Auftrag", OrderReference}, {"Auftrags-Nr", OrderReference},
		{"order number", OrderReference}, {"order", OrderReference}, {"Bestellnummer", ExternalReference}, {"Bestell-Nr", ExternalReference},
		{"external number", ExternalReference}, {"Sendungsreferenz", AnyReference}, {"Kundenreferenz", AnyReference}, {"Kundenreferenznummer", AnyReference},
		{"Referenz", AnyReference}, {"Referenznummer", AnyReference}, {"Referenz 1", AnyReference}, {"Referenz1", AnyReference},
		{"Paketreferenz", AnyReference}, {"Referenz-Nr", AnyReference}, {"reference", AnyReference}, {"reference 1", AnyReference},
		{"reference number", AnyReference}, {"customer reference", AnyReference}, {"shipment reference", AnyReference}, {"parcel reference", AnyReference},
	}
	trackingNames = []string{"Trackingnummer", "Tracking-Nr", "Tracking", "tracking number", "tracking id", "Sendungsnummer", "Sendungs-Nr",
		"Paketnummer", "Paket-Nr", "Paketscheinnummer", "Paketschein-Nr", "Paketschein", "Barcode", "Sendungs-ID", "Track-ID",
		"parcel number", "parcel no", "shipment number", "consignment number", "tracking code"}
	carrierNames = []string{"Versanddienstleister", "Versandunternehmen", "Paketdienst", "Frachtführer", "Dienstleister", "Versandart", "carrier", "carrier name"}
)

// suggestMapping guesses what the columns are from their names.
func suggestMapping(t *csvfile.Table) TrackingMapping {
	m := TrackingMapping{ReferenceIs: AnyReference}
	heading := func(name string) string {
		if i := t.Index(name); i >= 0 {
			return t.Header[i]
		}
		return ""
	}
	first := func(names []string) string {
		for _, name := range names {
			if h := heading(name); h != "" {
				return h
			}
		}
		return ""
	}
	for _, r := range referenceNames {
		if h := heading(r.name); h != "" {
			m.Reference, m.ReferenceIs = h, r.is
			break
		}
	}
	m.TrackingNumber, m.CarrierColumn = first(trackingNames), first(carrierNames)
	return m
}
