package klarnasandbox_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	. "zahlwerk/internal/klarnasandbox"
)

func TestStatesAndAmounts(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	type step struct {
		do     string // method and path below the order, or ! and an action, or + and a time
		body   string
		status int
		code   string
		say    string // part of the message
	}
	capture := func(amount int) string { return fmt.Sprintf(`{"captured_amount":%d}`, amount) }
	refund := func(amount int) string { return fmt.Sprintf(`{"refunded_amount":%d}`, amount) }
	tests := []struct {
		name      string
		new       NewOrder
		steps     []step
		state     string
		captured  int64
		refunded  int64
		remaining int64
		total     int64
	}{
		{name: "new", state: StatusAuthorized, remaining: 10_000},
		{name: "captured in full", steps: []step{{do: "POST captures", body: capture(10_000), status: 201}},
			state: StatusCaptured, captured: 10_000},
		{name: "captured twice in full", steps: []step{{do: "POST captures", body: capture(10_000), status: 201},
			{do: "POST captures", body: capture(10_000), status: 403, code: CodeCaptureNotAllowed, say: "higher than the remaining authorized amount"}},
			state: StatusCaptured, captured: 10_000},
		{name: "captured in parts", steps: []step{{do: "POST captures", body: capture(3_000), status: 201},
			{do: "POST captures", body: capture(7_001), status: 403, code: CodeCaptureNotAllowed},
			{do: "POST captures", body: capture(2_000), status: 201}},
			state: StatusPartCaptured, captured: 5_000, remaining: 5_000},
		{name: "captured with nothing", steps: []step{{do: "POST captures", body: capture(0), status: 403, code: CodeCaptureNotAllowed, say: "zero"}},
			state: StatusAuthorized, remaining: 10_000},
		{name: "cancelled", steps: []step{{do: "POST cancel", status: 204},
			{do: "POST captures", body: capture(1), status: 403, code: CodeCaptureNotAllowed, say: "is cancelled"},
			{do: "POST cancel", status: 403, code: CodeCancelNotAllowed},
			{do: "POST acknowledge", status: 403, code: CodeNotAllowed},
			{do: "PATCH authorization", body: `{"order_amount":5000}`, status: 403, code: CodeNotAllowed},
			{do: "PATCH merchant-references", body: `{"merchant_reference1":"x"}`, status: 403, code: CodeNotAllowed, say: "Can not update a cancelled order"},
			{do: "PATCH customer-details", body: `{}`, status: 403, code: CodeNotAllowed},
			{do: "POST extend-authorization-time", status: 403, code: CodeNotAllowed},
			{do: "POST release-remaining-authorization", status: 403, code: CodeNotAllowed}},
			state: StatusCancelled},
		{name: "not cancelled after a capture", steps: []step{{do: "POST captures", body: capture(1_000), status: 201},
			{do: "POST cancel", status: 403, code: CodeCancelNotAllowed, say: "Order has previous captures. Cancel not possible."}},
			state: StatusPartCaptured, captured: 1_000, remaining: 9_000},
		{name: "released", steps: []step{
			{do: "POST release-remaining-authorization", status: 403, code: CodeNotAllowed, say: "no captures"},
			{do: "POST captures", body: capture(4_000), status: 201},
			{do: "POST release-remaining-authorization", status: 204},
			{do: "POST release-remaining-authorization", status: 403, code: CodeNotAllowed, say: "Order is fully captured."},
			{do: "POST captures", body: capture(1), status: 403, code: CodeCaptureNotAllowed}},
			state: StatusCaptured, captured: 4_000},
		{name: "expired", steps: []step{{do: "+", body: (28 * day).String()},
			{do: "POST captures", body: capture(1), status: 403, code: CodeCaptureNotAllowed, say: "is expired. Capture not possible."},
			{do: "POST extend-authorization-time", status: 403, code: CodeNotAllowed, say: "Order is expired. Authorization time cannot be extended."},
			{do: "POST cancel", status: 403, code: CodeCancelNotAllowed}},
			state: StatusExpired},
		{name: "on its last day", steps: []step{{do: "+", body: (27*day + 14*time.Hour).String()},
			{do: "POST captures", body: capture(10_000), status: 201}},
			state: StatusCaptured, captured: 10_000},
		{name: "extended", steps: []step{{do: "+", body: (20 * day).String()}, {do: "POST extend-authorization-time", status: 204},
			{do: "+", body: (20 * day).String()}, {do: "POST captures", body: capture(10_000), status: 201},
			{do: "POST extend-authorization-time", status: 403, code: CodeNotAllowed}},
			state: StatusCaptured, captured: 10_000},
		{name: "not extended for cards", new: NewOrder{PaymentMethod: "PAY_BY_CARD"},
			steps: []step{{do: "POST extend-authorization-time", status: 403, code: CodeNotAllowed}},
			state: StatusAuthorized, remaining: 10_000},
		{name: "part captured, then expired", steps: []step{{do: "POST captures", body: capture(1_000), status: 201},
			{do: "+", body: (28 * day).String()}, {do: "POST captures", body: capture(1), status: 403, code: CodeCaptureNotAllowed},
			{do: "POST refunds", body: refund(400), status: 201}},
			state: StatusExpired, captured: 1_000, refunded: 400},
		{name: "closed", steps: []step{{do: "!close"}, {do: "POST captures", body: capture(1), status: 403, code: CodeCaptureNotAllowed, say: "is closed"}},
			state: StatusClosed},
		{name: "fraud pending", new: NewOrder{FraudStatus: FraudPending},
			steps: []step{{do: "POST captures", body: capture(1), status: 403, code: CodeCaptureNotAllowed, say: "pending"}},
			state: StatusAuthorized, remaining: 10_000},
		{name: "fraud rejected", new: NewOrder{FraudStatus: FraudRejected},
			steps: []step{{do: "POST captures", body: capture(1), status: 403, code: CodeCaptureNotAllowed, say: "rejected"}},
			state: StatusAuthorized, remaining: 10_000},
		{name: "paid in advance", new: NewOrder{PaymentMethod: "BANK_TRANSFER", AutoCapture: true},
			state: StatusCaptured, captured: 10_000},
		{name: "refunded", steps: []step{
			{do: "POST refunds", body: refund(1), status: 403, code: CodeRefundNotAllowed, say: "Order has no captures. Refund not possible"},
			{do: "POST captures", body: capture(6_000), status: 201}, {do: "POST captures", body: capture(4_000), status: 201},
			{do: "POST refunds", body: refund(7_000), status: 201},
			{do: "POST refunds", body: refund(3_001), status: 403, code: CodeRefundNotAllowed, say: "Over refund is not allowed."},
			{do: "POST refunds", body: `{"refunded_amount":10,"order_lines":[{"type":"return_fee","name":"fee","quantity":1,"unit_price":-10,"total_amount":-10}]}`,
				status: 403, code: CodeRefundNotAllowed},
			{do: "POST refunds", body: refund(3_000), status: 201}},
			state: StatusCaptured, captured: 10_000, refunded: 10_000},
		{name: "amount raised and lowered", steps: []step{
			{do: "PATCH authorization", body: `{"order_amount":12000}`, status: 204},
			{do: "POST captures", body: capture(8_000), status: 201},
			{do: "PATCH authorization", body: `{"order_amount":7000}`, status: 403, code: CodeNotAllowed,
				say: "Resulting authorization amount 7000 cannot be less than the captured amount 8000"},
			{do: "PATCH authorization", body: `{"order_amount":9000}`, status: 204}},
			state: StatusPartCaptured, captured: 8_000, remaining: 1_000, total: 9_000},
		{name: "amount lowered to what is captured", steps: []step{{do: "POST captures", body: capture(8_000), status: 201},
			{do: "PATCH authorization", body: `{"order_amount":8000}`, status: 204},
			{do: "PATCH authorization", body: `{"order_amount":9000}`, status: 403, code: CodeNotAllowed}},
			state: StatusCaptured, captured: 8_000, total: 8_000},
		{name: "amount not raised for cards", new: NewOrder{PaymentMethod: "CARD"}, steps: []step{
			{do: "PATCH authorization", body: `{"order_amount":10001}`, status: 403, code: CodeNotAllowed},
			{do: "PATCH authorization", body: `{"order_amount":9999}`, status: 204}},
			state: StatusAuthorized, remaining: 9_999, total: 9_999},
		{name: "changed in the portal", steps: []step{{do: "!capture 2500"}, {do: "!set_amount 12000"}, {do: "!refund 500"}, {do: "!capture 1500"}},
			state: StatusPartCaptured, captured: 4_000, refunded: 500, remaining: 8_000, total: 12_000},
		{name: "released in the portal", steps: []step{{do: "!capture 2500"}, {do: "!release"}}, state: StatusCaptured, captured: 2_500},
		{name: "expired at Klarna", steps: []step{{do: "!expire"}}, state: StatusExpired},
		{name: "captured in the portal", steps: []step{{do: "!capture"},
			{do: "POST captures", body: capture(10_000), status: 403, code: CodeCaptureNotAllowed}},
			state: StatusCaptured, captured: 10_000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, Options{})
			o := b.order(tt.new)
			for i, s := range tt.steps {
				word, rest, _ := strings.Cut(s.do, " ")
				switch {
				case word == "+":
					d, err := time.ParseDuration(s.body)
					if err != nil {
						t.Fatal(err)
					}
					b.Advance(d)
				case word[0] == '!':
					var amount int64
					_, _ = fmt.Sscan(rest, &amount)
					if _, err := b.Act(o.ID, Action{Kind: ActionKind(word[1:]), Amount: amount}); err != nil {
						t.Fatalf("step %d: %v", i, err)
					}
				default:
					r := b.call(word, o.ID+"/"+rest, "", s.body)
					want(t, r, s.status, s.code)
					if !strings.Contains(r.message(), s.say) {
						t.Errorf("step %d says %q, want %q", i, r.message(), s.say)
					}
				}
			}
			want(t, b.call("GET", o.ID, "", ""), 200, "")
			got := b.read(o.ID)
			if tt.total == 0 {
				tt.total = 10_000
			}
			if got.Status != tt.state || got.CapturedAmount != tt.captured || got.RefundedAmount != tt.refunded ||
				got.RemainingAuthorizedAmount != tt.remaining || got.OrderAmount != tt.total || got.OriginalOrderAmount != 10_000 {
				t.Errorf("order is %s, %d of %d captured, %d refunded, %d remaining; want %+v", got.Status,
					got.CapturedAmount, got.OrderAmount, got.RefundedAmount, got.RemainingAuthorizedAmount, tt)
			}
			var captured, refunded int64
			for i, c := range got.Captures {
				captured, refunded = captured+c.CapturedAmount, refunded+c.RefundedAmount
				if ref := fmt.Sprintf("%s-%d", got.KlarnaReference, i+1); c.KlarnaReference != ref {
					t.Errorf("capture %d is called %s, want %s", i, c.KlarnaReference, ref)
				}
			}
			if captured != got.CapturedAmount || refunded != got.RefundedAmount {
				t.Errorf("captures sum up to %d, %d refunded", captured, refunded)
			}
		})
	}
}

func TestExpiryIsAMidnight(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	o := b.order(NewOrder{})
	if want := time.Date(2026, 3, 30, 0, 0, 0, 0, time.UTC); !o.ExpiresAt.Equal(want) {
		t.Errorf("expires %v, want %v", o.ExpiresAt, want)
	}
	b.Advance(14 * 24 * time.Hour)
	for range 2 { // several times a day is once
		want(t, b.call("POST", o.ID+"/extend-authorization-time", "", ""), 204, "")
		if want := time.Date(2026, 4, 13, 0, 0, 0, 0, time.UTC); !b.read(o.ID).ExpiresAt.Equal(want) {
			t.Errorf("extended to %v, want %v", b.read(o.ID).ExpiresAt, want)
		}
	}
	for range 8 { // never beyond 180 days
		b.Advance(20 * 24 * time.Hour)
		_, _ = b.Act(o.ID, Action{Kind: ActionExtend})
	}
	if want := time.Date(2026, 8, 29, 0, 0, 0, 0, time.UTC); !b.read(o.ID).ExpiresAt.Equal(want) {
		t.Errorf("extended to %v, want %v", b.read(o.ID).ExpiresAt, want)
	}
}

func TestCaptureKeepsWhatWasSent(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	o := b.order(NewOrder{})
	r := b.capture(o.ID, "", `{"captured_amount":2380,"reference":"LS-1","description":"Shipped","unknown":true,
		"order_lines":[{"type":"physical","name":"Tea","quantity":2,"unit_price":1290,"total_discount_amount":200,"total_amount":2380.0,"tax_rate":1900,"total_tax_amount":380,
			"product_identifiers":{"brand":"Mill"},"subscription":{"name":"Tea","interval":"MONTH","interval_count":1}}],
		"shipping_info":[{"shipping_company":"DHL","shipping_method":"Home","tracking_number":"00340434161094042557","tracking_uri":"https://example.org/t"}]}`)
	want(t, r, 201, "")
	id := r.header.Get("Capture-Id")
	location := b.url + base + o.ID + "/captures/" + id
	if id == "" || r.header.Get("Location") != location {
		t.Fatalf("capture %q at %q, want %q", id, r.header.Get("Location"), location)
	}
	want(t, b.call("POST", o.ID+"/captures/"+id+"/shipping-info", "", `{"shipping_info":[{"tracking_number":"second"},{"tracking_number":"third"}]}`), 204, "")
	got := b.read(o.ID).Captures[0]
	if got.Reference != "LS-1" || got.Description != "Shipped" || len(got.OrderLines) != 1 || got.OrderLines[0].TotalAmount != 2380 ||
		string(got.OrderLines[0].ProductIdentifiers) != `{"brand":"Mill"}` || !got.CapturedAt.Equal(start) {
		t.Errorf("capture is %+v", got)
	}
	var numbers []string
	for _, s := range got.ShippingInfo {
		numbers = append(numbers, s.TrackingNumber)
	}
	if strings.Join(numbers, " ") != "00340434161094042557 second third" {
		t.Errorf("parcels %v", numbers)
	}
	one := b.call("GET", o.ID+"/captures/"+id, "", "")
	all := b.call("GET", o.ID+"/captures", "", "")
	if all.body != "["+one.body+"]" {
		t.Errorf("the list\n%s\nis not the capture\n%s", all.body, one.body)
	}
}

func TestRefundsUseUpTheCaptures(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	o := b.order(NewOrder{})
	for _, amount := range []int{6000, 1000, 3000} {
		want(t, b.capture(o.ID, "", fmt.Sprintf(`{"captured_amount":%d}`, amount)), 201, "")
	}
	want(t, b.call("POST", o.ID+"/refunds", "", `{"refunded_amount":6500}`), 201, "")
	want(t, b.call("POST", o.ID+"/refunds", "", `{"refunded_amount":1500}`), 201, "")
	got := b.read(o.ID)
	for i, amount := range []int64{6000, 1000, 1000} {
		if got.Captures[i].RefundedAmount != amount {
			t.Errorf("%d of capture %d is refunded, want %d", got.Captures[i].RefundedAmount, i, amount)
		}
	}
}

func TestOtherOperations(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	o := b.order(NewOrder{MerchantReference1: "A-1"})
	const parcels = `{"shipping_info":[{"tracking_number":"1"}]}`
	unknown := "4ba29b50-be7b-44f5-a492-113e6a865e22"
	want(t, b.call("POST", o.ID+"/captures/"+unknown+"/shipping-info", "", parcels), 403, CodeNotAllowed)
	want(t, b.call("POST", o.ID+"/captures/"+unknown+"/trigger-send-out", "", ""), 403, CodeNotAllowed)
	want(t, b.call("POST", o.ID+"/shipping-info", "", parcels), 204, "")
	want(t, b.call("POST", o.ID+"/acknowledge", "", ""), 204, "")
	want(t, b.call("PATCH", o.ID+"/merchant-references", "", `{"merchant_reference1":"","merchant_reference2":"ERP"}`), 204, "")
	want(t, b.call("PATCH", o.ID+"/merchant-references", "", `{"merchant_reference1":null}`), 204, "")
	want(t, b.call("PATCH", o.ID+"/customer-details", "", `{"shipping_address":{"city":"Köln","country":"DE"}}`), 204, "")
	want(t, b.call("PATCH", o.ID+"/customer-details", "", `{"shipping_address":{"country":"Germany"}}`), 422, CodeInvalidAddress)
	want(t, b.call("PATCH", o.ID+"/authorization", "",
		`{"order_amount":9000,"order_lines":[{"name":"Tea","quantity":3,"unit_price":3000,"total_amount":9000}]}`), 204, "")
	id := b.capture(o.ID, "", `{"captured_amount":9000}`).header.Get("Capture-Id")
	want(t, b.call("POST", o.ID+"/captures/"+unknown+"/shipping-info", "", parcels), 404, CodeNoSuchCapture)
	want(t, b.call("POST", o.ID+"/captures/not-a-uuid/shipping-info", "", parcels), 404, CodeNoSuchCapture)
	want(t, b.call("GET", o.ID+"/captures/"+unknown, "", ""), 404, CodeNoSuchCapture)
	want(t, b.call("POST", o.ID+"/captures/"+id+"/trigger-send-out", "", ""), 204, "")
	want(t, b.call("GET", o.ID+"/captures/"+id+"/extend-due-date-options", "", ""), 200, "")
	want(t, b.call("GET", o.ID+"/captures/"+unknown+"/extend-due-date-options", "", ""), 404, CodeNoSuchCapture)
	want(t, b.call("PATCH", o.ID+"/captures/"+id+"/extend-due-date", "", `{"number_of_days":14}`), 204, "")
	want(t, b.call("PATCH", o.ID+"/captures/"+id+"/extend-due-date", "", `{"number_of_days":15}`), 403, CodeNotAllowed)
	r := b.call("POST", o.ID+"/refunds", "", `{"refunded_amount":100,"reference":"GS-1"}`)
	want(t, r, 201, "")
	want(t, b.call("GET", o.ID+"/refunds/"+r.header.Get("Refund-Id"), "", ""), 200, "")
	want(t, b.call("GET", o.ID+"/refunds/"+unknown, "", ""), 404, CodeNotFound)

	got := b.read(o.ID)
	if got.MerchantReference1 != "" || got.MerchantReference2 != "ERP" || !got.Acknowledged || len(got.ShippingInfo) != 1 ||
		got.ShippingAddress.City != "Köln" || got.BillingAddress.City == "Köln" || got.OrderLines[0].Name != "Tea" ||
		got.Captures[0].SendOuts != 1 || got.Captures[0].ExtendedDays != 14 || got.Refunds[0].Reference != "GS-1" {
		t.Errorf("order is %+v", got)
	}
}

func TestCreateOrderRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	taken := b.order(NewOrder{})
	tests := map[string]struct {
		merchant string
		new      NewOrder
		want     string
	}{
		"no amount":        {"", NewOrder{}, "order_amount"},
		"too much":         {"", NewOrder{Amount: 200_000_001}, "order_amount"},
		"currency":         {"", NewOrder{Amount: 1, Currency: "EURO"}, "purchase_currency"},
		"country":          {"", NewOrder{Amount: 1, Country: "D1"}, "purchase_country"},
		"id":               {"", NewOrder{Amount: 1, ID: "{" + taken.ID + "}"}, "order_id"},
		"id taken":         {"", NewOrder{Amount: 1, ID: strings.ToUpper(taken.ID)}, CodeConflict},
		"merchant":         {"K999999", NewOrder{Amount: 1}, "NO_SUCH_MERCHANT"},
		"method":           {"", NewOrder{Amount: 1, PaymentMethod: "CASH"}, "payment_method"},
		"fraud":            {"", NewOrder{Amount: 1, FraudStatus: "MAYBE"}, "fraud_status"},
		"reference":        {"", NewOrder{Amount: 1, MerchantReference1: strings.Repeat("x", 256)}, "merchant_reference1"},
		"lines":            {"", NewOrder{Amount: 1, Lines: []OrderLine{{Name: "x", Quantity: 1, UnitPrice: 2, TotalAmount: 2}}}, "order_lines"},
		"lines arithmetic": {"", NewOrder{Lines: []OrderLine{{Name: "x", Quantity: 2, UnitPrice: 2, TotalAmount: 2}}}, "order_lines"},
		"expiry":           {"", NewOrder{Amount: 1, ExpiresAt: start.Add(-time.Hour)}, "expires_at"},
		"pending, captured": {"", NewOrder{Amount: 1, FraudStatus: FraudPending, AutoCapture: true},
			"auto_capture"},
	}
	for name, tt := range tests {
		_, err := b.CreateOrder(tt.merchant, tt.new)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
	if n := len(b.Orders()); n != 1 {
		t.Errorf("%d orders", n)
	}
}

func TestFindOrders(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	var last Order
	for i := range 7 {
		last = b.order(NewOrder{MerchantReference1: fmt.Sprintf("SHOP-%d", i)})
	}
	want(t, b.capture(last.ID, "", `{"captured_amount":1,"reference":"LS-77"}`), 201, "")
	page, total := b.FindOrders("", 2, 3)
	if total != 7 || len(page) != 3 || page[0].MerchantReference1 != "SHOP-4" {
		t.Errorf("%d of %d: %+v", len(page), total, page)
	}
	for _, q := range []string{"shop-6", "ls-77", strings.ToUpper(last.ID[4:20]), " " + last.KlarnaReference} {
		if found, total := b.FindOrders(q, 0, 10); total != 1 || found[0].ID != last.ID {
			t.Errorf("%q finds %d", q, total)
		}
	}
	if found, total := b.FindOrders("nothing", 0, 10); total != 0 || len(found) != 0 {
		t.Errorf("found %d", total)
	}
}
