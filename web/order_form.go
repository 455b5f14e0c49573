package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/views"
)

// defaultCurrency is what an order is in when the form says nothing of it.
const defaultCurrency = "EUR"

func (s *Server) newOrder(r *request) error {
	methods, err := s.activeMethods(r.ctx())
	if err != nil {
		return err
	}
	in := views.OrderForm{PlacedAt: views.DayValue(s.Clock.Now()), Currency: defaultCurrency, Lines: views.NewOrderLines()}
	for _, m := range methods {
		if m.Module == paymentmethod.ModuleKlarna && in.PaymentMethod == "" {
			in.PaymentMethod = m.Type
		}
	}
	return s.orderFormPage(r, http.StatusOK, in, nil)
}

func (s *Server) createOrder(r *request) error {
	in := views.OrderForm{Currency: defaultCurrency}
	if err := r.Bind(&in); err != nil {
		return err
	}
	in.Draft = r.ticked("draft", false)
	values, err := r.FormParams()
	if err != nil {
		return err
	}
	in.Billing, in.Shipping = addressForm(values, "billing_address."), addressForm(values, "shipping_address.")
	in.Lines = orderLineForms(values)
	reading := readOrderForm(r.ctx(), in)
	switch r.FormValue("do") {
	case "rows":
		in.Lines = append(in.Lines, views.NewOrderLines()...)
		return s.orderFormPage(r, http.StatusOK, in, nil)
	case "calculate":
		return s.orderFormPage(r, http.StatusOK, reading.calculated(r.ctx(), in), reading.problems.Err())
	}
	o, created, err := s.Orders.Create(r.ctx(), reading.input, r.actor())
	if err = reading.explain(err); err != nil {
		status, ok := formStatus(err)
		if !ok {
			return err
		}
		return s.orderFormPage(r, status, in, err)
	}
	if !created {
		return s.done(r, orderPath(o.ID), "order.done.known", "Number", o.Number)
	}
	return s.done(r, orderPath(o.ID), "order.done.create", "Number", o.Number)
}

func (s *Server) orderFormPage(r *request, status int, in views.OrderForm, err error) error {
	methods, listErr := s.activeMethods(r.ctx())
	if listErr != nil {
		return listErr
	}
	if len(in.Lines) == 0 {
		in.Lines = views.NewOrderLines()
	}
	return s.render(r, status, views.OrderNew(views.OrderFormPage{
		Page: s.page(r, i18n.T(r.ctx(), "orders.new_title"), ordersCrumb(r)), Form: views.OrderFormError(r.ctx(), err), Input: in, Methods: methods,
	}))
}

func (s *Server) activeMethods(ctx context.Context) ([]paymentmethod.Method, error) {
	all, err := s.Methods.List(ctx)
	var active []paymentmethod.Method
	for _, m := range all {
		if m.Active {
			active = append(active, m)
		}
	}
	return active, err
}

func addressForm(v url.Values, prefix string) views.AddressForm {
	return views.AddressForm{
		Name: v.Get(prefix + "name"), Company: v.Get(prefix + "company"), Street: v.Get(prefix + "street"), Street2: v.Get(prefix + "street2"),
		PostalCode: v.Get(prefix + "postal_code"), City: v.Get(prefix + "city"), Country: v.Get(prefix + "country"), Phone: v.Get(prefix + "phone"),
	}
}

func address(f views.AddressForm) order.Address {
	return order.Address{Name: f.Name, Company: f.Company, Street: f.Street, Street2: f.Street2,
		PostalCode: f.PostalCode, City: f.City, Country: f.Country, Phone: f.Phone}
}

// orderLineForms are the rows of the form, as far as they follow each other.
func orderLineForms(v url.Values) []views.OrderLineForm {
	var lines []views.OrderLineForm
	for i := range order.MaxLines + 1 {
		prefix := fmt.Sprintf("lines.%d.", i)
		if !v.Has(prefix+"name") && !v.Has(prefix+"quantity") {
			break
		}
		lines = append(lines, views.OrderLineForm{
			SKU: v.Get(prefix + "sku"), Name: v.Get(prefix + "name"), Type: v.Get(prefix + "type"), Quantity: v.Get(prefix + "quantity"),
			UnitPrice: v.Get(prefix + "unit_price"), TaxRate: v.Get(prefix + "tax_rate"), Total: v.Get(prefix + "total"),
		})
	}
	return lines
}

// orderReading is an order's form turned into an order. Where a text could not be read,
// the input holds a value that is refused at the same field, so that a person hears of
// everything at once; problems says it better.
type orderReading struct {
	input    order.Input
	rows     []int // the form's row of each line
	problems fault.Checker
	language string
}

// Values that an order refuses.
const (
	noAmount   = order.MaxAmount + 1
	noQuantity = money.Quantity(0)
	noRate     = -1
)

var noTime = time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC)

func readOrderForm(ctx context.Context, in views.OrderForm) *orderReading {
	rd := &orderReading{language: i18n.Language(ctx), input: order.Input{
		Number: in.Number, ExternalNumber: in.ExternalNumber, PaymentMethod: in.PaymentMethod, KlarnaOrderID: in.KlarnaOrderID,
		Currency: strings.ToUpper(strings.TrimSpace(in.Currency)), CustomerName: in.CustomerName, CustomerEmail: in.CustomerEmail,
		BillingAddress: address(in.Billing),
	}}
	if in.Draft {
		rd.input.Status = order.Draft
	}
	if !in.Shipping.Blank() {
		a := address(in.Shipping)
		rd.input.ShippingAddress = &a
	}
	if in.PlacedAt != "" {
		var err error
		if rd.input.PlacedAt, err = views.ParseDay(in.PlacedAt); err != nil {
			rd.input.PlacedAt = noTime
		}
	}
	var sum int64
	for row, l := range in.Lines {
		if l.Blank() {
			continue
		}
		rd.rows = append(rd.rows, row)
		line := rd.line(row, l)
		rd.input.Lines = append(rd.input.Lines, line)
		if sum <= order.MaxAmount { // beyond it the line's own message says enough
			sum += line.Total
		}
	}
	rd.input.Total = rd.amount("total", in.Total, sum)
	return rd
}

func (rd *orderReading) line(row int, l views.OrderLineForm) order.LineInput {
	name := func(field string) string { return fmt.Sprintf("lines.%d.%s", row, field) }
	line := order.LineInput{SKU: l.SKU, Name: l.Name, Type: order.LineType(l.Type)}
	var err error
	if line.Quantity, err = money.ParseQuantity(l.Quantity, rd.language); err != nil {
		line.Quantity = noQuantity
		rd.problems.Add(name("quantity"), "order.error.quantity")
	}
	line.UnitPrice = rd.amount(name("unit_price"), l.UnitPrice, 0)
	line.TaxRate = rd.rate(name("tax_rate"), l.TaxRate)
	var total int64
	if line.UnitPrice != noAmount && line.Quantity > 0 { // otherwise their own messages say enough
		total = order.LineTotal(line.UnitPrice, line.Quantity)
	}
	line.Total = rd.amount(name("total"), l.Total, total)
	return line
}

// amount reads an amount; an empty one is the value that was worked out.
func (rd *orderReading) amount(name, value string, workedOut int64) int64 {
	if strings.TrimSpace(value) == "" {
		return workedOut
	}
	amount, err := money.Parse(value, rd.input.Currency, rd.language)
	switch {
	case errors.Is(err, money.ErrOutOfRange):
		rd.problems.Add(name, "order.error.amount_range")
		return noAmount
	case err != nil:
		rd.problems.Add(name, "order.error.amount")
		return noAmount
	}
	return amount
}

// rate reads a tax rate in percent with at most two decimals.
func (rd *orderReading) rate(name, value string) int64 {
	value = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "%"))
	if value == "" {
		return 0
	}
	const step = money.One / 100 // a hundredth of a percent
	q, err := money.ParseQuantity(value, rd.language)
	if err != nil || q%step != 0 {
		rd.problems.Add(name, "order.error.tax_rate")
		return noRate
	}
	return int64(q / step)
}

// calculated fills in the totals that were left empty.
func (rd *orderReading) calculated(ctx context.Context, in views.OrderForm) views.OrderForm {
	for i, row := range rd.rows {
		if t := rd.input.Lines[i].Total; in.Lines[row].Total == "" && t != noAmount {
			in.Lines[row].Total = views.AmountValue(ctx, t, rd.input.Currency)
		}
	}
	if in.Total == "" && rd.problems.Err() == nil && len(rd.rows) > 0 {
		in.Total = views.AmountValue(ctx, rd.input.Total, rd.input.Currency)
	}
	return in
}

// explain puts the fields of an error into the form's rows, and says of what could not
// be read only that.
func (rd *orderReading) explain(err error) error {
	e, ok := errors.AsType[*fault.Error](inRows(err, rd.rows))
	if !ok {
		return err
	}
	unread, ok := errors.AsType[*fault.Error](rd.problems.Err())
	if !ok {
		return e
	}
	known := map[string]bool{}
	for _, f := range unread.Fields {
		known[f.Name] = true
	}
	merged := *e
	merged.Fields = unread.Fields
	for _, f := range e.Fields {
		if !known[f.Name] {
			merged.Fields = append(merged.Fields, f)
		}
	}
	return &merged
}
