package dispatch

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/carrier"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
)

// Limits of Klarna's shipping_info.
const (
	MaxTracking    = 100
	MaxCarrier     = 100
	MaxTrackingURL = 1024
)

// ParcelInput is a parcel as somebody enters or scans it.
type ParcelInput struct {
	// Carrier is a key, a name or one of Klarna's codes; others pass unchanged. Empty: the
	// one that the number's form tells.
	Carrier        string
	TrackingNumber string
	TrackingURL    string // empty: the carrier's page
	// DeliveryNote is the number of the note it belongs to; empty: the one that is due.
	DeliveryNote string
	// Again says that the number may stand on a second note of the order.
	Again bool
}

// Recorded is what became of a ParcelInput.
type Recorded struct {
	Parcel  order.Parcel
	Note    string // number of its delivery note
	Created bool   // false: it was there already, and nothing happened
	// UnknownCarrier says that the carrier passes to Klarna as it was entered.
	UnknownCarrier bool
	// Elsewhere is the number of another order with the same tracking number, or "".
	Elsewhere string
}

var trackingForm = regexp.MustCompile(`^[A-Za-z0-9 ._/:+#*%-]+$`)

func (in *ParcelInput) normalise() {
	in.Carrier = strings.TrimSpace(in.Carrier)
	in.TrackingNumber = strings.Join(strings.Fields(in.TrackingNumber), " ")
	in.TrackingURL = strings.TrimSpace(in.TrackingURL)
	in.DeliveryNote = strings.TrimSpace(in.DeliveryNote)
}

func (in *ParcelInput) check(f *fault.Checker, prefix string) {
	switch {
	case in.TrackingNumber == "":
		f.Add(prefix+"tracking_number", "error.required")
	case utf8.RuneCountInString(in.TrackingNumber) > MaxTracking:
		f.Add(prefix+"tracking_number", "error.too_long", "Max", MaxTracking)
	case !trackingForm.MatchString(in.TrackingNumber) || order.TrackingKey(in.TrackingNumber) == "":
		f.Add(prefix+"tracking_number", "dispatch.error.tracking_form")
	}
	f.Line(prefix+"carrier", in.Carrier, MaxCarrier, false)
	if in.TrackingURL == "" {
		return
	}
	u, err := url.Parse(in.TrackingURL)
	switch {
	case len(in.TrackingURL) > MaxTrackingURL:
		f.Add(prefix+"tracking_url", "error.too_long", "Max", MaxTrackingURL)
	case err != nil || !utf8.ValidString(in.TrackingURL) || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		f.Add(prefix+"tracking_url", "dispatch.error.tracking_url")
	}
}

// RecordParcel records a parcel of an order. With the first parcel the delivery note
// leaves: note, parcel, protocol and the capture become true in one transaction. The
// same number again changes nothing. Errors: Invalid with the fields, Conflict.
func (s *Service) RecordParcel(ctx context.Context, orderID int64, in ParcelInput, actor string) (Recorded, error) {
	in.normalise()
	var f fault.Checker
	in.check(&f, "")
	if err := f.Err(); err != nil {
		return Recorded{}, err
	}
	var r Recorded
	err := s.act(ctx, orderID, actor, func(j *job) error {
		if err := j.mayLeave(); err != nil {
			return err
		}
		var err error
		r, err = j.record(in, "")
		return err
	})
	return r, err
}

func (j *job) record(in ParcelInput, prefix string) (Recorded, error) {
	key := order.TrackingKey(in.TrackingNumber)
	if err := j.refuseOwnNumber(in.TrackingNumber, prefix); err != nil {
		return Recorded{}, err
	}
	if known, note := j.find(key, in.DeliveryNote); known != nil {
		return Recorded{Parcel: *known, Note: note}, nil
	}
	note, err := j.noteFor(in, key, prefix)
	if err != nil {
		return Recorded{}, err
	}
	by, known, err := j.carrierOf(in, prefix)
	if err != nil {
		return Recorded{}, err
	}
	address := in.TrackingURL
	if address == "" {
		address = by.Link(in.TrackingNumber)
	}
	r := Recorded{Note: note.Number, Created: true, UnknownCarrier: !known}
	if r.Elsewhere, err = j.elsewhere(key); err != nil {
		return Recorded{}, err
	}
	r.Parcel = order.Parcel{OrderID: j.order.ID, DeliveryNoteID: note.ID, Carrier: by.Code, ShippingMethod: string(by.ShippingMethod),
		TrackingNumber: in.TrackingNumber, TrackingKey: key, TrackingURL: address, Report: order.ReportNone, CreatedBy: j.actor, CreatedAt: j.clock.Now()}
	if err := j.tx.Create(&r.Parcel).Error; err != nil {
		return Recorded{}, fmt.Errorf("record parcel %s: %w", in.TrackingNumber, err)
	}
	note.Parcels = append(note.Parcels, r.Parcel)
	if err := order.AddTerms(j.tx, j.order.ID, in.TrackingNumber, key); err != nil {
		return Recorded{}, err
	}
	err = j.protocol("parcel_recorded", order.Params{"carrier": by.Name, "number": in.TrackingNumber, "note": note.Number})
	if err != nil {
		return Recorded{}, err
	}
	if note.ShippedAt == nil {
		err = j.leave(note)
	} else {
		err = j.Captures.PlanParcel(j.tx, &r.Parcel)
	}
	if err != nil {
		return Recorded{}, err
	}
	if err := j.planMail(&r.Parcel); err != nil {
		return Recorded{}, err
	}
	return r, j.tx.Take(&r.Parcel, r.Parcel.ID).Error
}

func (j *job) carrierOf(in ParcelInput, prefix string) (c carrier.Carrier, known bool, err error) {
	carriers, err := carrier.Read(j.tx)
	if err != nil {
		return c, false, err
	}
	return carrierOf(carriers, in, prefix)
}

// carrierOf returns who brings a parcel: the carrier that was entered, else the only one
// whose numbers have the form of this one.
func carrierOf(carriers carrier.Table, in ParcelInput, prefix string) (c carrier.Carrier, known bool, err error) {
	if in.Carrier != "" {
		c, known = carriers.Resolve(in.Carrier)
		return c, known, nil
	}
	var f fault.Checker
	switch likely := carriers.Recognise(in.TrackingNumber); len(likely) {
	case 1:
		return likely[0], true, nil
	case 0:
		f.Add(prefix+"carrier", "dispatch.error.carrier_not_recognised")
	default:
		f.Add(prefix+"carrier", "dispatch.error.carrier_ambiguous", "Carriers", likely.Names())
	}
	return c, false, f.Err()
}

// refuseOwnNumber catches the scan of the wrong barcode.
func (j *job) refuseOwnNumber(number, prefix string) error {
	var own int64
	err := j.tx.Raw(`SELECT (SELECT count(*) FROM delivery_notes WHERE number = ?) + (SELECT count(*) FROM orders WHERE number = ?)`,
		number, number).Scan(&own).Error
	if err != nil || own == 0 {
		return err
	}
	var f fault.Checker
	f.Add(prefix+"tracking_number", "dispatch.error.own_number", "Number", number)
	return f.Err()
}

// find returns the parcel with this number: on the named note, or on any of the order.
func (j *job) find(key, note string) (*order.Parcel, string) {
	for i := range j.notes {
		n := &j.notes[i]
		if note != "" && n.Number != note {
			continue
		}
		for k := range n.Parcels {
			if n.Parcels[k].TrackingKey == key {
				return &n.Parcels[k], n.Number
			}
		}
	}
	return nil, ""
}

// noteFor returns the delivery note that a new parcel belongs to: the named one; else
// the only one that is not on its way to Klarna yet; else a new one for what is open;
// else the newest.
func (j *job) noteFor(in ParcelInput, key, prefix string) (*order.DeliveryNote, error) {
	var f fault.Checker
	if in.DeliveryNote != "" {
		for i := range j.notes {
			if j.notes[i].Number != in.DeliveryNote {
				continue
			}
			if other, note := j.find(key, ""); other != nil && !in.Again {
				f.Add(prefix+"tracking_number", "dispatch.error.on_other_note", "Note", note)
				return nil, f.Err()
			}
			return &j.notes[i], nil
		}
		f.Add(prefix+"delivery_note", "dispatch.error.no_such_note", "Note", in.DeliveryNote)
		return nil, f.Err()
	}
	waiting, err := j.waitingNotes()
	if err != nil {
		return nil, err
	}
	switch {
	case len(waiting) == 1:
		return waiting[0], nil
	case len(waiting) > 1:
		numbers := make([]string, len(waiting))
		for i, n := range waiting {
			numbers[i] = n.Number
		}
		f.Add(prefix+"delivery_note", "dispatch.error.several_notes", "Notes", strings.Join(numbers, ", "))
		return nil, f.Err()
	}
	if open := j.allOpen(); len(open) > 0 || len(j.notes) == 0 {
		return j.makeNote(open)
	}
	return &j.notes[len(j.notes)-1], nil
}

// waitingNotes are the notes whose capture is not planned yet or still pending.
func (j *job) waitingNotes() ([]*order.DeliveryNote, error) {
	var planned []struct {
		DeliveryNoteID int64
		State          capture.State
	}
	if err := j.tx.Model(&capture.Capture{}).Where("order_id = ?", j.order.ID).Find(&planned).Error; err != nil {
		return nil, err
	}
	state := map[int64]capture.State{}
	for _, p := range planned {
		state[p.DeliveryNoteID] = p.State
	}
	var waiting []*order.DeliveryNote
	for i := range j.notes {
		n := &j.notes[i]
		var planned *capture.State
		if s, ok := state[n.ID]; ok {
			planned = &s
		}
		if waits(n.ShippedAt != nil, planned, j.isKlarna()) {
			waiting = append(waiting, n)
		}
	}
	return waiting, nil
}

// waits tells a note that has not left, or whose capture is not on its way to Klarna:
// not planned (nil), or pending.
func waits(hasLeft bool, planned *capture.State, isKlarna bool) bool {
	switch {
	case !hasLeft:
		return true
	case planned == nil:
		return isKlarna
	}
	return *planned == capture.Pending
}

// elsewhere is the number of another order with the same tracking number.
func (j *job) elsewhere(key string) (string, error) {
	var other []string
	err := j.tx.Raw(`SELECT o.number FROM parcels p JOIN orders o ON o.id = p.order_id
		WHERE p.tracking_key = ? AND p.order_id <> ? ORDER BY p.id DESC LIMIT 1`, key, j.order.ID).Scan(&other).Error
	if err != nil || len(other) == 0 {
		return "", err
	}
	return other[0], nil
}

// RemoveParcel takes a parcel back that Klarna was not told of. With its last parcel a
// note has not left any more, and its capture is withdrawn. Conflict, with the reason,
// once the parcel is on its way to Klarna or there.
func (s *Service) RemoveParcel(ctx context.Context, orderID, parcelID int64, actor string) error {
	if err := s.Captures.Verify(ctx, orderID); err != nil {
		return err
	}
	return s.act(ctx, orderID, actor, func(j *job) error {
		note, parcel := j.parcel(parcelID)
		if parcel == nil {
			return fault.New(fault.NotFound, "dispatch.error.no_such_parcel")
		}
		switch parcel.Report {
		case order.ReportReported, order.ReportInCapture, order.ReportSending, order.ReportUnknown:
			return fault.New(fault.Conflict, "dispatch.error.parcel_told")
		}
		last := len(note.Parcels) == 1 && !note.WithoutTracking
		if last {
			if err := j.Captures.WithdrawNote(j.tx, j.order.ID, note.ID, capture.RuleNotShipped, actor); err != nil {
				return err
			}
		} else if err := j.Captures.ForgetParcel(j.tx, parcelID); err != nil {
			return err
		}
		if err := j.tx.Where("id = ?", parcelID).Delete(&order.Parcel{}).Error; err != nil {
			return fmt.Errorf("remove parcel %d: %w", parcelID, err)
		}
		if last {
			if err := j.tx.Model(&order.DeliveryNote{}).Where("id = ?", note.ID).Update("shipped_at", nil).Error; err != nil {
				return err
			}
			note.ShippedAt = nil
			if err := j.refreshStatus(); err != nil {
				return err
			}
			if err := capture.RefreshFeedback(j.tx, j.order.ID); err != nil {
				return err
			}
		}
		carriers, err := carrier.Read(j.tx)
		if err != nil {
			return err
		}
		return j.protocol("parcel_removed", order.Params{"carrier": carriers.NameOf(parcel.Carrier), "number": parcel.TrackingNumber, "note": note.Number})
	})
}

func (j *job) parcel(id int64) (*order.DeliveryNote, *order.Parcel) {
	for i := range j.notes {
		for k := range j.notes[i].Parcels {
			if j.notes[i].Parcels[k].ID == id {
				return &j.notes[i], &j.notes[i].Parcels[k]
			}
		}
	}
	return nil, nil
}
