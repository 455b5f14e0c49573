package order_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
)

func TestBadInput(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", order.MaxText+1)
	each(t, func(t *testing.T, s shop) {
		for name, tc := range map[string]struct {
			change func(in *order.Input)
			want   []string
		}{
			"empty": {func(in *order.Input) { *in = order.Input{} },
				[]string{"payment_method error.required", "customer.name error.required", "currency order.error.currency", "lines order.error.no_lines"}},

			"number with a blank":         {func(in *order.Input) { in.Number = "20 81" }, []string{"number order.error.number_form"}},
			"number with a slash":         {func(in *order.Input) { in.Number = "a/b" }, []string{"number order.error.number_form"}},
			"number of 65 characters":     {func(in *order.Input) { in.Number = strings.Repeat("1", 65) }, []string{"number order.error.number_form"}},
			"number with an umlaut":       {func(in *order.Input) { in.Number = "ü1" }, []string{"number order.error.number_form"}},
			"number with a line feed":     {func(in *order.Input) { in.Number = "1\n2" }, []string{"number order.error.number_form"}},
			"external number too long":    {func(in *order.Input) { in.ExternalNumber = long }, []string{"external_number error.too_long"}},
			"external number with NUL":    {func(in *order.Input) { in.ExternalNumber = "a\x00b" }, []string{"external_number error.control_characters"}},
			"external number not UTF-8":   {func(in *order.Input) { in.ExternalNumber = "a\xffb" }, []string{"external_number error.control_characters"}},
			"shipped from the start":      {func(in *order.Input) { in.Status = order.Shipped }, []string{"status error.choice"}},
			"a status that is none":       {func(in *order.Input) { in.Status = "gone" }, []string{"status error.choice"}},
			"placed in 1989":              {func(in *order.Input) { in.PlacedAt = time.Date(1989, 12, 31, 0, 0, 0, 0, time.UTC) }, []string{"placed_at error.date"}},
			"placed in the year 10000":    {func(in *order.Input) { in.PlacedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, []string{"placed_at error.date"}},
			"placed then, in UTC":         {func(in *order.Input) { in.PlacedAt = lastMoment(-1) }, []string{"placed_at error.date"}},
			"placed before Christ":        {func(in *order.Input) { in.PlacedAt = time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC) }, []string{"placed_at error.date"}},
			"documents that are none":     {func(in *order.Input) { in.Documents = "receipt" }, []string{"documents error.choice"}},
			"no customer":                 {func(in *order.Input) { in.CustomerName = " \t" }, []string{"customer.name error.required"}},
			"customer of 256 characters":  {func(in *order.Input) { in.CustomerName = long }, []string{"customer.name error.too_long"}},
			"customer on two lines":       {func(in *order.Input) { in.CustomerName = "Max\nMuster" }, []string{"customer.name error.control_characters"}},
			"e-mail without @":            {func(in *order.Input) { in.CustomerEmail = "max.example.com" }, []string{"customer.email error.email"}},
			"e-mail with a name":          {func(in *order.Input) { in.CustomerEmail = "Max <max@example.com>" }, []string{"customer.email error.email"}},
			"two e-mails":                 {func(in *order.Input) { in.CustomerEmail = "a@example.com, b@example.com" }, []string{"customer.email error.email"}},
			"street of 256 characters":    {func(in *order.Input) { in.BillingAddress.Street = long }, []string{"billing_address.street error.too_long"}},
			"street with NUL":             {func(in *order.Input) { in.BillingAddress.Street = "a\x00" }, []string{"billing_address.street error.control_characters"}},
			"country of three letters":    {func(in *order.Input) { in.BillingAddress.Country = "DEU" }, []string{"billing_address.country order.error.country"}},
			"country of one umlaut":       {func(in *order.Input) { in.BillingAddress.Country = "Ä" }, []string{"billing_address.country order.error.country"}},
			"bad address to ship to":      {func(in *order.Input) { in.ShippingAddress = &order.Address{City: long, Country: "1"} }, []string{"shipping_address.city error.too_long", "shipping_address.country order.error.country"}},
			"no payment method":           {func(in *order.Input) { in.PaymentMethod = "" }, []string{"payment_method error.required"}},
			"unknown payment method":      {func(in *order.Input) { in.PaymentMethod = "cheque" }, []string{"payment_method order.error.payment_method_unknown"}},
			"payment method with NUL":     {func(in *order.Input) { in.PaymentMethod = "kla\x00rna" }, []string{"payment_method order.error.payment_method_unknown"}},
			"payment method not UTF-8":    {func(in *order.Input) { in.PaymentMethod = "kla\xffrna" }, []string{"payment_method order.error.payment_method_unknown"}},
			"payment method, other case":  {func(in *order.Input) { in.PaymentMethod = "Klarna" }, []string{"payment_method order.error.payment_method_unknown"}},
			"Klarna's short reference":    {func(in *order.Input) { in.KlarnaOrderID = "K7XF9W2Q" }, []string{"klarna_order_id order.error.klarna_order_id"}},
			"UUID without dashes":         {func(in *order.Input) { in.KlarnaOrderID = "3f9a1c526a0e4c0b9d2e7b1d5a2c9e10" }, []string{"klarna_order_id order.error.klarna_order_id"}},
			"UUID in braces":              {func(in *order.Input) { in.KlarnaOrderID = "{3f9a1c52-6a0e-4c0b-9d2e-7b1d5a2c9e10}" }, []string{"klarna_order_id order.error.klarna_order_id"}},
			"UUID as a URN":               {func(in *order.Input) { in.KlarnaOrderID = "urn:uuid:3f9a1c52-6a0e-4c0b-9d2e-7b1d5a2c9e10" }, []string{"klarna_order_id order.error.klarna_order_id"}},
			"UUID with NUL":               {func(in *order.Input) { in.KlarnaOrderID = "3f9a1c52-6a0e-4c0b-9d2e-7b1d5a2c9e1\x00" }, []string{"klarna_order_id order.error.klarna_order_id"}},
			"currency of four letters":    {func(in *order.Input) { in.Currency = "EURO" }, []string{"currency order.error.currency"}},
			"currency that is none":       {func(in *order.Input) { in.Currency = "XXX" }, []string{"currency order.error.currency"}},
			"wrong sum":                   {func(in *order.Input) { in.Total-- }, []string{"total order.error.sum"}},
			"negative total":              {func(in *order.Input) { in.Lines[1] = discount(-5959); in.Total = -1 }, []string{"total order.error.total_range"}},
			"more than Klarna captures":   {func(in *order.Input) { only(in, order.MaxKlarnaAmount+1) }, []string{"total order.error.total_range"}},
			"more than anybody pays":      {func(in *order.Input) { in.PaymentMethod = "prepaid"; only(in, order.MaxAmount+1) }, []string{"total order.error.total_range", "lines.0.unit_price order.error.amount_range", "lines.0.total order.error.amount_range"}},
			"sums that overflow":          {func(in *order.Input) { in.Lines[0].Total, in.Lines[1].Total = math.MaxInt64, math.MaxInt64 }, []string{"lines.0.total order.error.amount_range"}},
			"sums that underflow":         {func(in *order.Input) { in.Lines[0].Total = math.MinInt64 }, []string{"lines.0.total order.error.amount_range"}},
			"total that overflows":        {func(in *order.Input) { in.Total = math.MaxInt64 }, []string{"total order.error.total_range", "total order.error.sum"}},
			"no lines":                    {func(in *order.Input) { in.Lines, in.Total = nil, 0 }, []string{"lines order.error.no_lines"}},
			"1,001 lines":                 {func(in *order.Input) { in.Lines = make([]order.LineInput, order.MaxLines+1) }, []string{"lines order.error.too_many_lines"}},
			"line without a name":         {func(in *order.Input) { in.Lines[1].Name = " " }, []string{"lines.1.name error.required"}},
			"line's name too long":        {func(in *order.Input) { in.Lines[1].Name = long }, []string{"lines.1.name error.too_long"}},
			"SKU with a tab inside":       {func(in *order.Input) { in.Lines[0].SKU = "a\tb" }, []string{"lines.0.sku error.control_characters"}},
			"line type that is none":      {func(in *order.Input) { in.Lines[1].Type = "fee" }, []string{"lines.1.type error.choice"}},
			"negative quantity":           {func(in *order.Input) { in.Lines[0].Quantity = -money.One }, []string{"lines.0.quantity order.error.quantity"}},
			"no quantity":                 {func(in *order.Input) { in.Lines[0].Quantity = 0 }, []string{"lines.0.quantity order.error.quantity"}},
			"more than a million":         {func(in *order.Input) { in.Lines[0].Quantity = 1_000_000*money.One + 1 }, []string{"lines.0.quantity order.error.quantity"}},
			"quantity that overflows":     {func(in *order.Input) { in.Lines[0].Quantity = math.MinInt64 }, []string{"lines.0.quantity order.error.quantity"}},
			"negative tax":                {func(in *order.Input) { in.Lines[0].TaxRate = -1 }, []string{"lines.0.tax_rate order.error.tax_rate"}},
			"tax of more than all":        {func(in *order.Input) { in.Lines[0].TaxRate = order.MaxTaxRate + 1 }, []string{"lines.0.tax_rate order.error.tax_rate"}},
			"unit price that overflows":   {func(in *order.Input) { in.Lines[0].UnitPrice = math.MinInt64 }, []string{"lines.0.unit_price order.error.amount_range"}},
			"goods with a negative total": {func(in *order.Input) { in.Lines[0].Total = -1; in.Total = 498 }, []string{"lines.0.total order.error.negative"}},
			"discount that adds":          {func(in *order.Input) { in.Lines[1] = discount(1); in.Total = 5959 }, []string{"lines.1.total order.error.reduction_positive"}},
			"all at once": {func(in *order.Input) { in.Currency = ""; in.Lines[0].Quantity = 0; in.Lines[1].Name = ""; in.Total++ },
				[]string{"currency order.error.currency", "lines.0.quantity order.error.quantity", "lines.1.name error.required", "total order.error.sum"}},
		} {
			t.Run(name, func(t *testing.T) {
				in := input()
				tc.change(&in)
				_, created, err := s.Create(t.Context(), in, "test")
				if created {
					t.Error("created")
				}
				wantFault(t, err, fault.Invalid, tc.want...)
			})
		}
		var left int64
		if err := s.db.Read(t.Context()).Table("orders").Count(&left).Error; err != nil || left != 0 {
			t.Errorf("%d orders (%v)", left, err)
		}
	})
}

// lastMoment is the last of the year 9999, at a place this many hours from Greenwich.
func lastMoment(hours int) time.Time {
	return time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", hours*3600))
}

func discount(total int64) order.LineInput {
	return order.LineInput{Name: "Rabatt", Type: order.Discount, Quantity: money.One, Total: total}
}

// only makes an order of one line.
func only(in *order.Input, total int64) {
	in.Lines, in.Total = in.Lines[:1], total
	in.Lines[0].UnitPrice, in.Lines[0].Total = total, total
}

func TestGoodInputAtItsLimits(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("ä", order.MaxText)
	each(t, func(t *testing.T, s shop) {
		for name, change := range map[string]func(in *order.Input){
			"as little as can be": func(in *order.Input) {
				*in = order.Input{Number: in.Number, PaymentMethod: "klarna", Currency: "EUR", CustomerName: "M",
					Lines: []order.LineInput{{Name: "N", Quantity: 1}}}
			},
			"long texts": func(in *order.Input) {
				in.ExternalNumber, in.CustomerName, in.Lines[0].Name, in.Lines[0].SKU = text, text, text, text
				in.BillingAddress = order.Address{Name: text, Company: text, Street: text, Street2: text, PostalCode: text, City: text, Phone: text}
			},
			"number of 64 characters": func(in *order.Input) { in.Number = strings.Repeat("A", 60) + "._-9" },
			"as much as Klarna takes": func(in *order.Input) { only(in, order.MaxKlarnaAmount) },
			"as much as can be":       func(in *order.Input) { in.PaymentMethod = "prepaid"; only(in, order.MaxAmount) },
			"many lines": func(in *order.Input) {
				in.Lines, in.Total = nil, 0
				for i := range order.MaxLines {
					in.Lines = append(in.Lines, order.LineInput{Name: fmt.Sprint("line ", i), Quantity: money.One, Total: 1})
					in.Total++
				}
			},
			"all given away":       func(in *order.Input) { in.Lines = append(in.Lines, discount(-in.Total)); in.Total = 0 },
			"the largest quantity": func(in *order.Input) { in.Lines[0].Quantity = 1_000_000 * money.One },
			"blanks and line feeds": func(in *order.Input) {
				in.Currency, in.PaymentMethod, in.CustomerName = " eur\n", "klarna\r\n", "\tMax "
			},
			"the last moment":           func(in *order.Input) { in.PlacedAt = lastMoment(0) },
			"scripts are texts":         func(in *order.Input) { in.CustomerName = `<script>alert("1")</script>` },
			"quotes are texts":          func(in *order.Input) { in.CustomerName = `'; DROP TABLE orders; --` },
			"no billing address at all": func(in *order.Input) { in.BillingAddress = order.Address{} },
			"emoji":                     func(in *order.Input) { in.CustomerName = "🫖 Müller" },
		} {
			t.Run(name, func(t *testing.T) {
				in := plain("G-" + strings.ReplaceAll(name, " ", "_"))
				change(&in)
				o := s.create(t, in)
				found, err := s.Find(t.Context(), o.ID)
				if err != nil {
					t.Fatal(err)
				}
				var sum int64
				for _, l := range found.Lines {
					sum += l.Amount
				}
				if sum != in.Total || found.Total != in.Total {
					t.Errorf("lines of %d make an order of %d, want %d", sum, found.Total, in.Total)
				}
				if found.CustomerName != strings.TrimSpace(in.CustomerName) {
					t.Errorf("customer %q", found.CustomerName)
				}
			})
		}
	})
}
