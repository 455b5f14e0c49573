package main

import (
	"context"
	"time"

	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
)

// story is what happens to a sample order.
type story struct {
	method     string // klarna if empty
	draft      bool
	noKlarnaID bool
	atKlarna   func(*klarnasandbox.NewOrder)
	play       func(ctx context.Context, s *sample, o *order.Order) error
}

// People of the demo.
const (
	samplePerson     = "Vera Versand"
	sampleBookkeeper = "Bodo Buchhaltung"
)

// stories come round in this order; most orders go well.
var stories = []story{
	{play: ship}, {play: shipLater}, {}, {play: ship},
	{method: "klarna_filiale", play: ship},
	{play: twoParcels}, {play: returned}, {play: shipLater},
	{method: "rechnung", play: onInvoice},
	{play: partDelivery}, {play: ship}, {}, {play: autoshipped},
	{atKlarna: func(k *klarnasandbox.NewOrder) { k.ExpiresAt = k.CreatedAt.Add(12 * time.Hour) }, play: shipLater}, // expired when it leaves
	{play: ship}, {method: "klarna_plugin", play: ship}, {play: shipLater},
	{play: capturedInPortal}, {draft: true}, {play: ship},
	{noKlarnaID: true, play: ship}, {method: "klarna_vorkasse", play: paidAtShop}, {play: autoshipped},
	{method: "rechnung", play: onInvoiceAndPaid},
	{method: "klarna_filiale", play: doneByHand},
	{play: ship}, {method: "vorkasse"}, {play: withoutTracking}, {method: "klarna_vorkasse"},
	undecided,
	{play: shipLater}, {play: cancelled}, {play: shakyLine},
	{atKlarna: func(k *klarnasandbox.NewOrder) { k.Amount -= 1000 }, play: ship}, // less is authorised than ordered
	{play: ship}, {play: cancelledInPortal}, {play: shipLater},
	{play: dontTell}, {play: noAnswer},
	{atKlarna: func(k *klarnasandbox.NewOrder) { k.Amount-- }, play: ship}, // a cent of rounding
	{play: ship}, {play: lateParcel},
	{play: partDeliveryBoth},
	{method: "klarna_vorkasse", play: capturedByShop},
}

// undecided is an order that Klarna still checks: its capture waits.
var undecided = story{atKlarna: func(k *klarnasandbox.NewOrder) { k.FraudStatus = klarnasandbox.FraudPending }, play: ship}

func ship(ctx context.Context, s *sample, o *order.Order) error {
	_, err := s.dispatch.RecordParcel(ctx, o.ID, s.parcel(), samplePerson)
	return err
}

func shipLater(_ context.Context, s *sample, o *order.Order) error {
	s.later = append(s.later, func(ctx context.Context) error { return ship(ctx, s, o) })
	return nil
}

func twoParcels(ctx context.Context, s *sample, o *order.Order) error {
	if err := ship(ctx, s, o); err != nil {
		return err
	}
	return ship(ctx, s, o)
}

// lateParcel finds, a day after the capture, that there is a second box.
func lateParcel(ctx context.Context, s *sample, o *order.Order) error {
	s.later = append(s.later, func(ctx context.Context) error { return ship(ctx, s, o) })
	return ship(ctx, s, o)
}

// part makes a delivery note for one piece of the nth line and sends it off.
func part(ctx context.Context, s *sample, o *order.Order) error {
	note, err := s.dispatch.CreateNote(ctx, o.ID, []dispatch.LineQuantity{{Line: 1, Quantity: money.One}}, samplePerson)
	if err != nil {
		return err
	}
	p := s.parcel()
	p.DeliveryNote = note.Number
	_, err = s.dispatch.RecordParcel(ctx, o.ID, p, samplePerson)
	return err
}

func partDelivery(ctx context.Context, s *sample, o *order.Order) error { return part(ctx, s, o) }

// partDeliveryBoth sends the rest a day later.
func partDeliveryBoth(ctx context.Context, s *sample, o *order.Order) error {
	s.later = append(s.later, func(ctx context.Context) error { return ship(ctx, s, o) })
	return part(ctx, s, o)
}

func withoutTracking(ctx context.Context, s *sample, o *order.Order) error {
	return s.dispatch.Ship(ctx, o.ID, dispatch.ShipInput{WithoutTracking: true}, samplePerson)
}

func doneByHand(ctx context.Context, s *sample, o *order.Order) error {
	if err := ship(ctx, s, o); err != nil {
		return err
	}
	return s.dispatch.DoneByHand(ctx, o.ID, true, samplePerson)
}

func capturedInPortal(ctx context.Context, s *sample, o *order.Order) error {
	if _, err := s.sandbox.Act(o.KlarnaOrderID, klarnasandbox.Action{Kind: klarnasandbox.ActionCapture}); err != nil {
		return err
	}
	return shipLater(ctx, s, o)
}

// returned is sent back in part: the merchant refunds it in Klarna's portal.
func returned(ctx context.Context, s *sample, o *order.Order) error {
	s.later = append(s.later, func(context.Context) error {
		_, err := s.sandbox.Act(o.KlarnaOrderID, klarnasandbox.Action{Kind: klarnasandbox.ActionRefund, Amount: o.Total / 3, Description: "Rücksendung"})
		return err
	})
	return ship(ctx, s, o)
}

// capturedByShop is Klarna prepayment whose money comes with a payout.
func capturedByShop(_ context.Context, s *sample, o *order.Order) error {
	_, err := s.sandbox.Act(o.KlarnaOrderID, klarnasandbox.Action{Kind: klarnasandbox.ActionCapture})
	return err
}

func cancelledInPortal(ctx context.Context, s *sample, o *order.Order) error {
	if _, err := s.sandbox.Act(o.KlarnaOrderID, klarnasandbox.Action{Kind: klarnasandbox.ActionCancel}); err != nil {
		return err
	}
	return shipLater(ctx, s, o)
}

func cancelled(ctx context.Context, s *sample, o *order.Order) error {
	return s.dispatch.Cancel(ctx, o.ID, samplePerson)
}

func dontTell(ctx context.Context, s *sample, o *order.Order) error {
	if err := s.dispatch.DontTell(ctx, o.ID, "Ersatzlieferung, schon bezahlt", samplePerson); err != nil {
		return err
	}
	return ship(ctx, s, o)
}

// shakyLine loses the answer of the first try; the second, under the same key, gets it.
func shakyLine(ctx context.Context, s *sample, o *order.Order) error {
	if _, err := s.sandbox.SetFault(klarnasandbox.Fault{Operation: klarnasandbox.OpCapture, OrderID: o.KlarnaOrderID,
		Kind: klarnasandbox.FaultCut, Applied: true, Times: 1}); err != nil {
		return err
	}
	return ship(ctx, s, o)
}

// noAnswer is an order for which Klarna answers 503 all day long.
func noAnswer(ctx context.Context, s *sample, o *order.Order) error {
	if _, err := s.sandbox.SetFault(klarnasandbox.Fault{OrderID: o.KlarnaOrderID, Kind: klarnasandbox.FaultAnswer, Status: 503,
		Code: klarnasandbox.CodeUnavailable}); err != nil {
		return err
	}
	return ship(ctx, s, o)
}

// autoshipped waits for a delivery note from today's run; who packs it stands in the
// dispatch centre.
func autoshipped(_ context.Context, s *sample, o *order.Order) error {
	s.autoship = append(s.autoship, o.ID)
	if s.random.IntN(3) > 0 {
		s.later = append(s.later, func(ctx context.Context) error { return ship(ctx, s, o) })
	}
	return nil
}

// onInvoice gets a delivery note and an invoice, and leaves the day after. Nobody has
// paid yet.
func onInvoice(_ context.Context, s *sample, o *order.Order) error {
	s.autoship = append(s.autoship, o.ID)
	s.later = append(s.later, func(ctx context.Context) error { return ship(ctx, s, o) })
	return nil
}

func onInvoiceAndPaid(ctx context.Context, s *sample, o *order.Order) error {
	s.afterDays(3, func(ctx context.Context) error {
		return s.dispatch.BookPayment(ctx, o.ID, s.clock.Now(), sampleBookkeeper)
	})
	return onInvoice(ctx, s, o)
}

// paidAtShop is Klarna prepayment: the shop has captured, somebody reads that at Klarna,
// and the parcel leaves.
func paidAtShop(ctx context.Context, s *sample, o *order.Order) error {
	if _, err := s.sandbox.Act(o.KlarnaOrderID, klarnasandbox.Action{Kind: klarnasandbox.ActionCapture}); err != nil {
		return err
	}
	if _, err := s.captures.Read(ctx, o.ID, samplePerson); err != nil {
		return err
	}
	return shipLater(ctx, s, o)
}

// afterDays does something some days later, if the demo's past lasts that long.
func (s *sample) afterDays(n int, do func(ctx context.Context) error) {
	if n > 1 {
		s.later = append(s.later, func(context.Context) error { s.afterDays(n-1, do); return nil })
		return
	}
	s.later = append(s.later, do)
}
