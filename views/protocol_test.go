package views_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/carrier"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/order"
	"zahlwerk/views"
)

// carriers are those whose codes stand in kinds.
var carriers = carrier.Table{{Key: "dhl", Name: "DHL", Code: "dhl-germany"}, {Key: "ups", Name: "UPS", Code: "ups"}}

// kinds are all kinds of entries, with the facts that they are written with.
var kinds = map[string]order.Params{
	"order_imported": {"file": "orders.csv"},
	"order_created":  nil, "order_drafted": nil, "order_released": nil, "order_changed": nil, "order_shipped": nil,
	"order_cancelled": nil, "order_cancelled_klarna_not_told": nil, "order_uncancelled": nil,
	"note_created":             {"note": "300005", "amount": euro(6457)},
	"note_handed_over":         {"note": "300005", "amount": euro(6457)},
	"autoship_done":            {"run": "17", "note": "300005", "invoice": "400005"},
	"completed_without_note":   nil,
	"invoice_created":          {"invoice": "400001", "amount": euro(6457)},
	"label_printed":            {"note": "300005"},
	"parcel_recorded":          {"carrier": "DHL", "number": "00340434161094042557", "note": "300005"},
	"parcel_removed":           {"carrier": "DHL", "number": "00340434161094042557", "note": "300005"},
	"shipped_without_tracking": {"note": "300005"},
	"note_withdrawn":           {"note": "300005"},
	"note_done_by_hand":        {"note": "300005"},
	"note_undone_by_hand":      {"note": "300005"},
	"ship_undone":              {"note": "300005"},
	"payment_booked_by_hand":   {"amount": euro(6457)},
	"payment_booked_at_klarna": {"amount": euro(6457)},
	"payment_undone":           nil,
	"payment_booked_by_payout": {"amount": euro(6457), "payment_reference": "XISA93DJ"},
	"payment_undone_by_payout": {"payment_reference": "XISA93DJ"},
	"marked_paid":              nil, "unmarked_paid": nil, "tell_again": nil, "done_by_hand": nil, "undone_by_hand": nil, "resend": nil,
	"dont_tell":               {"reason": "Kunde zahlt bar"},
	"klarna_order_id_changed": {"old": "", "new": "3f9a1c52-6a0e-4c0b-9d2e-7b1d5a2c9e10"},
	"klarna_ok":               told(order.Params{"capture_id": "c-1", "parcels": "dhl-germany 00340434161094042557"}),
	"klarna_adopted":          told(order.Params{"capture_id": "c-1", "parcels": "", "captured_at": "2026-11-03T07:38:59Z", "captured": euro(6457)}),
	"klarna_adopted_shared":   told(order.Params{"capture_id": "c-1", "parcels": "", "captured_at": "2026-11-03T07:38:59Z", "captured": euro(6457)}),
	"klarna_failed":           told(order.Params{"rule": "refused", "status": 403, "code": "CAPTURE_NOT_ALLOWED", "messages": "Captures not allowed."}),
	"klarna_waiting":          told(order.Params{"rule": "waiting_for_retry", "next_try": "2026-11-03T07:38:59Z"}),
	"klarna_not_sent":         told(order.Params{"state": "by_hand", "rule": "manual_connection"}),
	"klarna_paused":           told(order.Params{"reason": "unauthorized", "method": "Klarna"}),
	"klarna_anew":             told(nil),
	"klarna_rounding":         told(order.Params{"total": euro(6458)}),
	"klarna_parcel_ok":        parcel(nil),
	"klarna_parcel_waiting":   parcel(order.Params{"next_try": "2026-11-03T07:38:59Z"}),
	"klarna_parcel_failed":    parcel(order.Params{"status": 422}),
	"klarna_read": {"klarna_status": "AUTHORIZED", "fraud_status": "ACCEPTED", "captured": euro(0),
		"remaining": euro(6457)},
	"mail_sent":              {"number": "00340434161094042557", "note": "300005"},
	"mail_sent_without_copy": {"number": "00340434161094042557", "note": "300005"},
	"mail_waiting":           mailed("unreachable", order.Params{"next_try": "2026-11-03T07:38:59Z"}),
	"mail_failed":            mailed("recipient_refused", order.Params{"answer": "550 5.1.1 no such user"}),
	"mail_withdrawn":         mailed("order_cancelled", nil),
	"klarna_read_failed":     {"status": 404, "code": "NO_SUCH_ORDER", "correlation_id": "c0ffee"},
}

func euro(minor int64) order.Money { return order.Money{Amount: minor, Currency: "EUR"} }

// told are the facts of an entry about a capture.
func told(more order.Params) order.Params {
	return join(order.Params{"note": "300005", "amount": euro(6457), "attempts": 1, "correlation_id": "c0ffee"}, more)
}

// parcel are the facts of an entry about a parcel that follows its capture.
func parcel(more order.Params) order.Params {
	return join(order.Params{"carrier": "gls", "number": "GLS123", "capture_id": "c-1", "attempts": 0}, more)
}

// mailed are the facts of an entry about a mail that was not sent.
func mailed(reason string, more order.Params) order.Params {
	return join(order.Params{"note": "300005", "reason": reason, "answer": ""}, more)
}

func join(p, more order.Params) order.Params {
	for name, value := range more {
		p[name] = value
	}
	return p
}

// stored is what params are after the database had them.
func stored(t *testing.T, p order.Params) order.Params {
	t.Helper()
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back order.Params
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	return back
}

func in(lang string) context.Context { return i18n.WithLanguage(context.Background(), lang) }

// checkText finds texts that are not for people: leftovers of templates, keys, names.
func checkText(t *testing.T, text string) {
	t.Helper()
	if text == "" || regexp.MustCompile(`\{\{|<no value>|%!|\b(protocol|rule|cause|capture|order)\.[a-z]|map\[|[.?!][.]`).MatchString(text) {
		t.Errorf("not for people: %q", text)
	}
}

func TestEveryKindOfEntryIsKnown(t *testing.T) {
	t.Parallel()
	patterns := []*regexp.Regexp{
		regexp.MustCompile(`(?:protocol|makeNoteAs)\("([a-z_]+)"`), regexp.MustCompile(`(?:\bKind: |\.Kind[^"\n]*= )"([a-z_]+)"`),
		regexp.MustCompile(`\bkind :?= "([a-z_]+)"`), regexp.MustCompile(`"(klarna_parcel_[a-z]+)"`),
		regexp.MustCompile(`const autoshipDone = "([a-z_]+)"`),
	}
	found := map[string]bool{}
	for _, pkg := range []string{"order", "dispatch", "capture", "document"} {
		files, err := filepath.Glob("../internal/" + pkg + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range patterns {
				for _, m := range p.FindAllStringSubmatch(string(source), -1) {
					found[m[1]] = true
				}
			}
		}
	}
	for kind := range found {
		if _, ok := kinds[kind]; !ok {
			t.Errorf("nobody wrote an example of the kind %q", kind)
		}
	}
	for kind := range kinds {
		if !found[kind] {
			t.Errorf("nothing writes the kind %q", kind)
		}
	}
}

func TestEveryEntryHasItsText(t *testing.T) {
	t.Parallel()
	for _, lang := range i18n.Languages() {
		for kind, params := range kinds {
			t.Run(lang+"/"+kind, func(t *testing.T) {
				t.Parallel()
				e := order.ProtocolEntry{Kind: kind, Params: params}
				text := views.ProtocolText(in(lang), e, carriers)
				checkText(t, text)
				e.Params = stored(t, params)
				if again := views.ProtocolText(in(lang), e, carriers); again != text {
					t.Errorf("from the database: %q, want %q", again, text)
				}
				for _, d := range views.ProtocolDetails(in(lang), e) {
					checkText(t, d.Label)
					checkText(t, d.Value)
				}
				checkText(t, views.ProtocolText(in(lang), order.ProtocolEntry{Kind: kind}, carriers)) // without facts
			})
		}
	}
}

func TestEntriesSayWhatTheyShould(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		kind   string
		params order.Params
		want   string
	}{
		"success": {"klarna_ok", kinds["klarna_ok"], "Klarna Rückmeldung OK: Capture c-1 – 64,57 € – DHL 00340434161094042557"},
		"two parcels, one of a carrier of our own": {"klarna_ok", told(order.Params{"capture_id": "c-1", "parcels": "ups 1Z, Radkurier Süd 7"}),
			"Klarna Rückmeldung OK: Capture c-1 – 64,57 € – UPS 1Z, Radkurier Süd 7"},
		"no tracking number": {"klarna_ok", told(order.Params{"capture_id": "c-1", "parcels": ""}),
			"Klarna Rückmeldung OK: Capture c-1 – 64,57 € – ohne Trackingnummer"},
		"failure in Klarna's words": {"klarna_failed", kinds["klarna_failed"],
			"Klarna Rückmeldung fehlgeschlagen: Captures not allowed (CAPTURE_NOT_ALLOWED). Bitte in Klarna von Hand prüfen."},
		"failure without words": {"klarna_failed", told(order.Params{"rule": "refused", "status": 413}),
			"Klarna Rückmeldung fehlgeschlagen: Klarna antwortete mit dem HTTP-Status 413. Bitte in Klarna von Hand prüfen."},
		"failure before anything was sent": {"klarna_failed", told(order.Params{"rule": "refused", "messages": "captured_amount: max_value 200000000"}),
			"Klarna Rückmeldung fehlgeschlagen: Klarna nimmt diese Angaben nicht an und wurde nicht gefragt: captured_amount: max_value 200000000. Bitte in Klarna von Hand prüfen."},
		"too little left": {"klarna_failed", told(order.Params{"rule": "amount_exceeds_authorisation", "remaining": euro(6000), "difference": euro(457)}),
			"Klarna Rückmeldung fehlgeschlagen: 64,57 € sind um 4,57 € mehr als die verbleibende Autorisierung von 60,00 €. Bitte in Klarna von Hand prüfen."},
		"not yet sent": {"klarna_not_sent", told(order.Params{"state": "pending", "rule": "no_credentials"}),
			"Klarna wird noch nicht unterrichtet: In der Zahlungsweise fehlen Benutzername oder Passwort von Klarna"},
		"an hour in the reader's zone": {"klarna_waiting", kinds["klarna_waiting"],
			"Klarna Rückmeldung steht noch aus: Klarna hat noch nicht endgültig geantwortet. Nächster Versuch: 03.11.2026 08:38:59"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := views.ProtocolText(in(i18n.German), order.ProtocolEntry{Kind: tt.kind, Params: stored(t, tt.params)}, carriers)
			if got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestDetailsOfAFailure(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, d := range views.ProtocolDetails(in(i18n.English), order.ProtocolEntry{Kind: "klarna_failed", Params: stored(t, kinds["klarna_failed"])}) {
		got[d.Label] = d.Value
	}
	for label, want := range map[string]string{
		"HTTP status": "403", "Error code": "CAPTURE_NOT_ALLOWED", "Messages": "Captures not allowed.", "Correlation id": "c0ffee",
		"Attempts without a result": "1", "Fraud check": "not asked", "Amount": "€64.57",
	} {
		if got[label] != want {
			t.Errorf("%s: %q, want %q", label, got[label], want)
		}
	}
}

var rules = []capture.Rule{
	capture.RuleNotKlarna, capture.RuleManualConnection, capture.RulePluginConnection, capture.RuleDontTell, capture.RuleMethodInactive,
	capture.RuleNoCredentials, capture.RuleMethodPaused, capture.RuleNoKlarnaOrderID, capture.RuleInvalidKlarnaOrder, capture.RuleCancelled,
	capture.RuleNotShipped, capture.RuleNoTracking, capture.RuleNothingToCapture, capture.RuleAlreadyCaptured, capture.RuleCapturedElsewhere,
	capture.RuleCapturedDifferently, capture.RuleAmountExceeds, capture.RuleOrderExpired, capture.RuleOrderClosed,
	capture.RuleCancelledAtKlarna, capture.RuleNoSuchOrder, capture.RuleFraudPending, capture.RuleFraudRejected, capture.RuleRefused,
	capture.RuleUnknownOutcome, capture.RuleWaitingForRetry, capture.RuleParcelNotReported,
}

func TestEveryRuleHasItsTexts(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../internal/capture/capture.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(regexp.MustCompile(`(?m)^\tRule\w+ +Rule = "`).FindAll(source, -1)); n != len(rules) {
		t.Errorf("%d rules are tried, there are %d", len(rules), n)
	}
	params := order.Params{"method": "Klarna", "klarna_order_id": "x", "reason": "Kunde zahlt bar.", "paused_at": "2026-11-03T07:38:59Z",
		"pause_reason": "unauthorized", "amount": euro(6457), "captured": euro(1), "remaining": euro(2), "difference": euro(3), "other": euro(4),
		"code": "X", "messages": "No.", "status": 403, "next_try": "2026-11-03T07:38:59Z", "expires_at": "2026-11-03T07:38:59Z"}
	for _, lang := range i18n.Languages() {
		for _, r := range rules {
			t.Run(lang+"/"+string(r), func(t *testing.T) {
				t.Parallel()
				for _, p := range []order.Params{params, stored(t, params), {"method": "Klarna", "pause_reason": "forbidden"}} {
					text := views.WhyText(in(lang), capture.Why{Rule: r, Params: p})
					checkText(t, text)
					if strings.Contains(text, "..") {
						t.Errorf("two full stops: %q", text)
					}
					checkText(t, views.ProtocolText(in(lang), order.ProtocolEntry{Kind: "klarna_failed", Params: told(order.Params{"rule": string(r)})}, carriers))
				}
			})
		}
	}
}

func TestStatesHaveWords(t *testing.T) {
	t.Parallel()
	for _, lang := range i18n.Languages() {
		ctx := in(lang)
		for _, s := range order.Statuses {
			checkText(t, views.StatusText(ctx, s))
		}
		for _, f := range order.Feedbacks {
			checkText(t, views.FeedbackText(ctx, f))
			o := order.Order{Feedback: f, Status: order.Released}
			for _, p := range []order.Progress{{}, {Notes: 2, Left: 1}, {Notes: 1, Left: 1, AllOn: true, AllGone: true}} {
				for _, l := range views.OrderLights(ctx, &o, p) {
					checkText(t, l.Text)
				}
			}
		}
	}
}
