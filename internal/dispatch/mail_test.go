package dispatch_test

import (
	"io"
	"mime/quotedprintable"
	netmail "net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/mail"
	"zahlwerk/internal/mail/mailtest"
	"zahlwerk/internal/order"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
	"zahlwerk/internal/work"
)

// mailing is a shop that sends mails to a server of its own.
func mailing(t *testing.T, db *store.DB, o mailtest.Options) (*shop, *mailtest.Server) {
	t.Helper()
	s, server := newShop(t, db), mailtest.New(t, o)
	in := mail.Input{Settings: mail.Defaults()}
	in.Enabled, in.Host, in.Port, in.Encryption = true, server.Host, server.Port, mail.None
	in.SenderName, in.SenderAddress = "Muster GmbH", "versand@shop.example"
	s.must(s.mails.Save(t.Context(), in, "admin"))
	return s, server
}

func max(in *order.Input) { in.CustomerEmail = "max@example.com" }

func goesTo(country string) func(in *order.Input) {
	return func(in *order.Input) {
		there := in.BillingAddress
		there.Country = country
		in.ShippingAddress = &there
	}
}

// post lets time go by and then the mails that are due.
func (s *shop) post(d time.Duration) {
	s.Helper()
	s.clock.Advance(d)
	var ids []int64
	s.must(s.db.Read(s.Context()).Raw("SELECT id FROM mails WHERE due_at <= ? ORDER BY id", s.clock.Now()).Scan(&ids).Error)
	for _, id := range ids {
		c, err := work.Take(s.Context(), s.db, s.clock, s.mails.Queue(), id)
		s.must(err)
		s.must(s.mails.Queue().Do(s.Context(), c))
	}
}

// letter is the text of a mail as its reader sees it.
func letter(t *testing.T, m mailtest.Message) string {
	t.Helper()
	parsed, err := netmail.ReadMessage(strings.NewReader(m.Data))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(quotedprintable.NewReader(parsed.Body))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

// last is the newest entry of the protocol.
func (s *shop) last(o *order.Order) order.ProtocolEntry {
	s.Helper()
	var e order.ProtocolEntry
	s.must(s.db.Read(s.Context()).Where("order_id = ?", o.ID).Order("id DESC").Take(&e).Error)
	return e
}

func TestCustomerHearsOfTheParcel(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, server := mailing(t, db, mailtest.Options{})
		for _, c := range []struct {
			country, method, want string
			in                    dispatch.ParcelInput
		}{
			{"DE", "klarna", "mit DHL auf dem Weg zu Ihnen.\n\nSendungsnummer: 0034\nSendung verfolgen: https://www.dhl.de/", parcel("0034")},
			{"AT", "invoice", "Sendung verfolgen: https://shop.example/t?n=1\n", dispatch.ParcelInput{Carrier: "dhl", TrackingNumber: "1", TrackingURL: "https://shop.example/t?n=1"}},
			{"LU", "manual", "mit Fahrradkurier Meier auf dem Weg zu Ihnen.\n\nSendungsnummer: 2\n\nEs kann", dispatch.ParcelInput{Carrier: "Fahrradkurier Meier", TrackingNumber: "2"}},
			{"FR", "klarna", "is on its way to you with DHL.\n\nTracking number: 3\nFollow your shipment: https://www.dhl.de/", parcel("3")},
		} {
			o := s.place(c.method, max, goesTo(c.country))
			s.record(o, c.in)
			s.post(mail.Delay)
			taken := server.Taken()
			m := taken[len(taken)-1]
			if text := letter(t, m); !strings.Contains(text, c.want) || !strings.Contains(text, "Max Muster") || !strings.Contains(text, " "+o.Number+" ") {
				t.Errorf("%s: %s", c.country, text)
			}
			if e := s.last(o); e.Kind != "mail_sent" || e.Outcome != order.OK || e.Actor != order.Zahlwerk ||
				e.Params["number"] != c.in.TrackingNumber || e.Params["note"] != s.now(o).Notes[0].Number {
				t.Errorf("%+v", e)
			}
		}
		// Nobody to write to, nothing to follow.
		s.record(s.place("klarna"), parcel("4"))
		o := s.place("klarna", max)
		s.must(s.dispatch.Ship(t.Context(), o.ID, dispatch.ShipInput{WithoutTracking: true}, "clerk"))
		s.post(time.Hour)
		if n := len(server.Taken()); n != 4 {
			t.Errorf("%d mails", n)
		}
	})
}

func TestParcelsOfANoteShareAMail(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, server := mailing(t, db, mailtest.Options{})
		o := s.place("invoice", max)
		first, second := s.note(o, cups(1)), s.note(o)
		s.record(o, on(first.Number, "A"))
		s.record(o, dispatch.ParcelInput{Carrier: "gls", TrackingNumber: "B", DeliveryNote: first.Number})
		s.record(o, on(first.Number, "C"))
		s.record(o, on(second.Number, "D"))
		parcels := s.now(o).Notes[0].Parcels
		s.must(s.dispatch.RemoveParcel(t.Context(), o.ID, parcels[2].ID, "clerk"))
		s.post(mail.Delay)
		s.record(o, on(first.Number, "E"))
		s.must(s.dispatch.RemoveParcel(t.Context(), o.ID, parcels[0].ID, "clerk")) // told, and scanned once more
		s.record(o, on(first.Number, "A"))
		s.post(mail.Delay)
		var numbers []string
		for _, m := range server.Taken() {
			_, after, _ := strings.Cut(letter(t, m), "Sendungsnummer: ")
			number, _, _ := strings.Cut(after, "\n")
			numbers = append(numbers, number)
		}
		if !slices.Equal(numbers, []string{"A, B", "D", "E"}) {
			t.Errorf("%q", numbers)
		}
		if text := letter(t, server.Taken()[0]); !strings.Contains(text, "DHL, GLS") || strings.Count(text, "https://") != 2 {
			t.Error(text)
		}
	})
}

func TestNoMailOfWhatIsNotSoAnyMore(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, server := mailing(t, db, mailtest.Options{})
		cancelled := s.place("klarna", max)
		s.record(cancelled, parcel("1"))
		s.must(s.dispatch.Cancel(t.Context(), cancelled.ID, "clerk"))
		removed := s.place("invoice", max)
		s.must(s.dispatch.RemoveParcel(t.Context(), removed.ID, s.record(removed, parcel("2")).Parcel.ID, "clerk"))
		s.post(mail.Delay)
		for o, reason := range map[*order.Order]string{cancelled: "order_cancelled", removed: "no_parcel"} {
			if e := s.last(o); e.Kind != "mail_withdrawn" || e.Params["reason"] != reason || e.Outcome != order.Info {
				t.Errorf("%+v", e)
			}
		}
		if len(server.Commands()) != 0 {
			t.Errorf("%q", server.Commands())
		}
		s.must(s.dispatch.Uncancel(t.Context(), cancelled.ID, "clerk"))
		s.post(mail.Delay)
		if e := s.last(cancelled); e.Kind != "mail_sent" || len(server.Taken()) != 1 {
			t.Errorf("%+v", e)
		}
	})
}

func TestFailedMailBlocksNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, _ := mailing(t, db, mailtest.Options{Answer: func(c string) string {
			switch {
			case strings.HasPrefix(c, "RCPT TO:<max@"):
				return "550 5.1.1 no such user"
			case strings.HasPrefix(c, "RCPT TO:<erika@"):
				return "451 later"
			}
			return mailtest.AsUsual
		}})
		o := s.place("invoice", max)
		s.record(o, parcel("1"))
		later := s.place("klarna", func(in *order.Input) { in.CustomerEmail = "erika@example.com" })
		s.record(later, parcel("2"))
		s.post(mail.Delay)
		e := s.last(o)
		if e.Kind != "mail_failed" || e.Outcome != order.Failed || e.Params["reason"] != "recipient_refused" || e.Params["answer"] != "550 5.1.1 no such user" {
			t.Errorf("%+v", e)
		}
		e = s.last(later)
		if e.Kind != "mail_waiting" || e.Outcome != order.Info || e.Params["next_try"] != begin.Add(mail.Delay+time.Minute).Format(time.RFC3339) {
			t.Errorf("%+v", e)
		}
		for _, o := range []*order.Order{o, later} {
			if now := s.now(o); !now.Gone() || now.Notes[0].ShippedAt == nil {
				t.Errorf("%+v", now)
			}
		}
	})
}
