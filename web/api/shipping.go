package api

import (
	"context"
	"net/http"
	"strings"

	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/money"
)

// ParcelInput is a parcel as somebody records it.
type ParcelInput struct {
	Carrier        string `json:"carrier" required:"false" doc:"A key of the carrier table (dhl, dpd, gls …) or one of Klarna's codes; any other name of at most 100 characters passes unchanged. If missing, the carrier whose numbers have the form of this one, if it is only one."`
	TrackingNumber string `json:"tracking_number" doc:"At most 100 characters."`
	TrackingURL    string `json:"tracking_url" required:"false" doc:"The carrier's page if missing."`
	DeliveryNote   string `json:"delivery_note" required:"false" doc:"The number of the delivery note it belongs to; if missing, the one that is due."`
}

func (in ParcelInput) input() dispatch.ParcelInput {
	return dispatch.ParcelInput{
		Carrier: in.Carrier, TrackingNumber: in.TrackingNumber, TrackingURL: in.TrackingURL, DeliveryNote: in.DeliveryNote,
		// Whoever names the note means it, also when another has the number already.
		Again: strings.TrimSpace(in.DeliveryNote) != "",
	}
}

// RecordedParcel is what became of a ParcelInput.
type RecordedParcel struct {
	Parcel
	DeliveryNote   string   `json:"delivery_note"`
	Created        bool     `json:"created" doc:"false: it was there already, and nothing happened."`
	UnknownCarrier bool     `json:"unknown_carrier" doc:"The carrier is not in the table and passes to Klarna as it was entered."`
	AlsoOnOrder    string   `json:"also_on_order" doc:"The number of another order with the same tracking number, or empty."`
	Hints          []string `json:"hints" doc:"The same for people, in the language of Accept-Language."`
}

type parcelInput struct {
	OrderPath
	Body ParcelInput
}

type parcelAnswer struct {
	Status int
	Body   RecordedParcel
}

func (s *service) recordParcel(ctx context.Context, in *parcelInput) (*parcelAnswer, error) {
	o, err := s.Orders.FindByNumber(ctx, in.Number)
	if err != nil {
		return nil, err
	}
	r, err := s.Dispatch.RecordParcel(ctx, o.ID, in.Body.input(), actor(ctx))
	if err != nil {
		return nil, err
	}
	answer := &parcelAnswer{Status: http.StatusOK, Body: RecordedParcel{Parcel: parcelOf(&r.Parcel), DeliveryNote: r.Note,
		Created: r.Created, UnknownCarrier: r.UnknownCarrier, AlsoOnOrder: r.Elsewhere, Hints: []string{}}}
	if r.Created {
		answer.Status = http.StatusCreated
	}
	if r.UnknownCarrier {
		answer.Body.Hints = append(answer.Body.Hints, i18n.T(ctx, "api.hint.unknown_carrier", "Carrier", r.Parcel.Carrier))
	}
	if r.Elsewhere != "" {
		answer.Body.Hints = append(answer.Body.Hints, i18n.T(ctx, "api.hint.also_on_order", "Number", r.Elsewhere))
	}
	return answer, nil
}

// NoteInput is a part delivery.
type NoteInput struct {
	Lines []NoteLine `json:"lines,omitempty" maxItems:"1000" doc:"Everything that is open if missing."`
}

type noteInput struct {
	OrderPath
	Body *NoteInput
}

type noteAnswer struct {
	Status int
	Body   DeliveryNote
}

func (s *service) createNote(ctx context.Context, in *noteInput) (*noteAnswer, error) {
	o, err := s.Orders.FindByNumber(ctx, in.Number)
	if err != nil {
		return nil, err
	}
	var lines []dispatch.LineQuantity
	if in.Body != nil {
		for _, l := range in.Body.Lines {
			lines = append(lines, dispatch.LineQuantity{Line: int(l.Line), Quantity: money.Quantity(l.Quantity)})
		}
	}
	n, err := s.Dispatch.CreateNote(ctx, o.ID, lines, actor(ctx))
	if err != nil {
		return nil, err
	}
	told, err := s.Captures.FindByOrder(ctx, o.ID)
	if err != nil {
		return nil, err
	}
	return &noteAnswer{Status: http.StatusCreated, Body: noteOf(o, n, told)}, nil
}

// ShipInput is "mark shipped".
type ShipInput struct {
	Parcels         []ParcelInput `json:"parcels,omitempty" maxItems:"500"`
	WithoutTracking bool          `json:"without_tracking,omitempty" doc:"Klarna is to be told although there is no number."`
}

type shipInput struct {
	OrderPath
	Body *ShipInput
}

func (s *service) ship(ctx context.Context, in *shipInput) (*orderAnswer, error) {
	var ship dispatch.ShipInput
	if in.Body != nil {
		ship.WithoutTracking = in.Body.WithoutTracking
		for _, p := range in.Body.Parcels {
			ship.Parcels = append(ship.Parcels, p.input())
		}
	}
	return s.act(ctx, in.Number, http.StatusOK, func(id int64) error { return s.Dispatch.Ship(ctx, id, ship, actor(ctx)) })
}

func (s *service) cancel(ctx context.Context, in *OrderPath) (*orderAnswer, error) {
	return s.act(ctx, in.Number, http.StatusOK, func(id int64) error { return s.Dispatch.Cancel(ctx, id, actor(ctx)) })
}

func (s *service) resend(ctx context.Context, in *OrderPath) (*orderAnswer, error) {
	return s.act(ctx, in.Number, http.StatusAccepted, func(id int64) error { return s.Captures.Resend(ctx, id, actor(ctx)) })
}
