package document

import (
	"context"
	"strconv"
	"time"

	"zahlwerk/internal/order"
)

// ReminderInput is what stands on a reminder (Zahlungserinnerung, Mahnung). Amounts are
// in minor units of the invoice's currency.
type ReminderInput struct {
	Number      string
	Invoice     Invoice
	Level       int   // 1, 2 or 3
	Fee         int64 // what this reminder adds
	EarlierFees int64 // what those before it added
	PayBy       time.Time
	At          time.Time
	// Name is what its level is called, in a language; nil for our own words.
	Name interface{ Localize(lang string) string }
}

// Levels of reminders, each more urgent in its words.
const reminderLevels = 3

// Reminder returns a reminder on paper.
func (s *Service) Reminder(ctx context.Context, in ReminderInput, actor string) (*Document, error) {
	o, err := s.findOrder(ctx, in.Invoice.OrderID)
	if err != nil {
		return nil, err
	}
	d := Document{Kind: KindReminder, Number: in.Number, OrderID: &o.ID, Language: o.Language(), CreatedBy: actor}
	return s.archived(ctx, d, func() ([]byte, error) {
		h, err := s.house(ctx)
		if err != nil {
			return nil, err
		}
		return drawReminder(h, o, in)
	}, nil)
}

func (in *ReminderInput) level() string { return strconv.Itoa(min(max(in.Level, 1), reminderLevels)) }

func (in *ReminderInput) title(l language) string {
	name := l.text("document.reminder.name." + in.level())
	if in.Name != nil {
		name = in.Name.Localize(string(l))
	}
	return l.text("document.reminder.title", "Name", name, "Number", in.Invoice.Number)
}

func drawReminder(h house, o *order.Order, in ReminderInput) ([]byte, error) {
	l := language(o.Language())
	p := newLetter(h, l, about{title: in.title(l), at: in.At}, o.BillingAddress, []fact{
		{l.text("document.fact.reminder"), in.Number},
		{l.text("document.fact.date"), l.date(in.At)},
		{l.text("document.fact.invoice"), in.Invoice.Number},
		{l.text("document.fact.order"), o.Number},
		{l.text("document.fact.your_order"), o.ExternalNumber},
	})
	p.drawReminder(in, o.BillingAddress.Name)
	return p.finish()
}

func (p *letter) drawReminder(in ReminderInput, name string) {
	inv := in.Invoice
	p.say(regular, p.text("document.reminder.greeting", "Name", name))
	p.say(regular, p.text("document.reminder.text."+in.level(), "Number", inv.Number, "Date", p.date(inv.IssuedAt), "PayBy", p.date(inv.PayBy)))
	p.y += 3
	t := p.newTable(
		column{title: p.text("document.column.what"), wide: 65},
		column{title: p.text("document.column.date"), wide: 34},
		column{title: p.text("document.column.pay_by"), wide: 34},
		column{title: p.text("document.column.amount"), wide: 32, right: true},
	)
	t.row([]string{p.text("document.reminder.invoice", "Number", inv.Number), p.date(inv.IssuedAt), p.date(inv.PayBy), p.money(inv.Amount, inv.Currency)})
	if in.EarlierFees > 0 {
		t.row([]string{p.text("document.reminder.earlier_fees"), "", "", p.money(in.EarlierFees, inv.Currency)})
	}
	if in.Fee > 0 {
		t.row([]string{p.text("document.reminder.fee"), p.date(in.At), "", p.money(in.Fee, inv.Currency)})
	}
	due := p.money(inv.Amount+in.EarlierFees+in.Fee, inv.Currency)
	t.y += 1
	t.total(bold, p.text("document.invoice.due"), due)
	p.y += 4
	p.say(bold, p.text("document.invoice.pay_by", "Amount", due, "Date", p.date(in.PayBy)))
	p.drawBank(inv.Number)
	p.say(regular, p.text("document.reminder.crossed"))
	p.say(regular, p.text("document.reminder.regards"))
	p.say(regular, p.house.Name)
}
