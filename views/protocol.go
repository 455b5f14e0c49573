package views

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/carrier"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// Detail is a fact of a protocol entry with its name.
type Detail struct{ Label, Value string }

// ProtocolText is what an entry says, in the reader's language.
func ProtocolText(ctx context.Context, e order.ProtocolEntry, carriers carrier.Table) string {
	f := factsOf(ctx, e.Params)
	f.nameCarriers(carriers)
	key := e.Kind
	switch e.Kind {
	case "klarna_ok":
		if f["parcels"] == "" {
			key = "klarna_ok_without_tracking"
		}
	case "klarna_not_sent":
		switch capture.State(f["state"]) {
		case capture.Pending, capture.Sending, capture.Unknown:
			key = "klarna_not_sent_yet"
		}
	case "klarna_paused":
		f["cause"] = pauseCause(ctx, f["reason"])
	case "mail_waiting", "mail_failed", "mail_withdrawn":
		f["cause"] = mailCause(ctx, f["reason"], f["answer"])
	case "klarna_read_failed", "klarna_parcel_failed", "klarna_parcel_waiting":
		f["cause"] = answer(ctx, f)
	}
	if f["rule"] != "" {
		f["cause"] = cause(ctx, capture.Rule(f["rule"]), f)
	}
	return i18n.T(ctx, "protocol."+key, f.args(ctx)...)
}

// detailNames are the facts that are folded out, in this order.
var detailNames = []string{
	"capture_id", "note", "amount", "total", "captured", "remaining", "difference", "other", "captured_at", "expires_at",
	"klarna_status", "fraud_status", "status", "code", "messages", "correlation_id", "attempts", "next_try",
}

// ProtocolDetails are the facts behind an entry about Klarna; other entries say all
// they know in their text.
func ProtocolDetails(ctx context.Context, e order.ProtocolEntry) []Detail {
	if !strings.HasPrefix(e.Kind, "klarna_") || e.Kind == "klarna_order_id_changed" {
		return nil
	}
	f := factsOf(ctx, e.Params)
	if _, asked := f["fraud_status"]; !asked && tellsOfCapture(e.Kind) {
		f["fraud_status"] = i18n.T(ctx, "protocol.not_asked")
	}
	var details []Detail
	for _, name := range detailNames {
		if f[name] != "" {
			details = append(details, Detail{i18n.T(ctx, "protocol.detail."+name), f[name]})
		}
	}
	return details
}

// tellsOfCapture tells entries about a request to capture from readings and parcels.
func tellsOfCapture(kind string) bool {
	switch kind {
	case "klarna_ok", "klarna_adopted", "klarna_adopted_shared", "klarna_failed", "klarna_waiting", "klarna_paused", "klarna_anew", "klarna_rounding":
		return true
	}
	return false
}

// WhyText says why an order was not captured, and what to do.
func WhyText(ctx context.Context, w capture.Why) string {
	f := factsOf(ctx, w.Params)
	key := string(w.Rule)
	switch {
	case w.Rule == capture.RuleRefused && ownLimits(f):
		key = "over_limits"
	case w.Rule == capture.RuleFraudPending && f["next_try"] == "": // for too long: given up
		key = "fraud_undecided"
	case w.Rule == capture.RuleMethodPaused:
		f["cause"] = pauseCause(ctx, f["pause_reason"])
	}
	f["answer"] = answer(ctx, f)
	f["reason"] = strings.TrimRight(f["reason"], ". ") // the text goes on behind it
	return i18n.T(ctx, "rule."+key, f.args(ctx)...)
}

// pauseCause is why a payment method is paused.
func pauseCause(ctx context.Context, reason string) string {
	switch paymentmethod.PauseReason(reason) {
	case paymentmethod.PauseUnauthorized, paymentmethod.PauseForbidden:
		return i18n.T(ctx, "cause.pause_"+reason)
	}
	return i18n.T(ctx, "cause.method_paused")
}

// cause is the short reason that an entry names.
func cause(ctx context.Context, r capture.Rule, f facts) string {
	if r == capture.RuleRefused {
		return answer(ctx, f)
	}
	return i18n.T(ctx, "cause."+string(r), f.args(ctx)...)
}

// ownLimits tells that Klarna was not asked: what would be sent is beyond what it takes.
func ownLimits(f facts) bool {
	return (f["status"] == "" || f["status"] == "0") && f["code"] == "" && f["messages"] != ""
}

// answer is Klarna's answer as one sentence without its full stop.
func answer(ctx context.Context, f facts) string {
	messages := strings.TrimRight(f["messages"], ". ")
	switch {
	case ownLimits(f):
		return i18n.T(ctx, "cause.over_limits", "Messages", messages)
	case messages != "" && f["code"] != "":
		return messages + " (" + f["code"] + ")"
	case messages != "":
		return messages
	case f["code"] != "":
		return i18n.T(ctx, "cause.code", "Code", f["code"])
	case f["status"] != "" && f["status"] != "0":
		return i18n.T(ctx, "cause.status", "Status", f["status"])
	}
	return i18n.T(ctx, "cause.no_answer")
}

// facts are the parameters of an entry or of a Why as people read them, by name.
type facts map[string]string

// factNames are all names that texts may use.
var factNames = []string{
	"amount", "answer", "attempts", "capture_id", "captured", "captured_at", "carrier", "cause", "code", "correlation_id", "difference",
	"expires_at", "file", "fraud_status", "invoice", "klarna_order_id", "klarna_status", "messages", "method", "new", "next_try", "note", "number", "old",
	"other", "parcels", "pause_reason", "paused_at", "payment_reference", "reason", "remaining", "rule", "state", "status", "total",
}

func factsOf(ctx context.Context, p order.Params) facts {
	f := facts{}
	for name, value := range p {
		f[name] = factText(ctx, name, value)
	}
	return f
}

// args are the facts for a text; what is not known says so.
func (f facts) args(ctx context.Context) []any {
	var args []any
	for _, name := range factNames {
		value := f[name]
		if value == "" {
			value = i18n.T(ctx, "protocol.unknown")
		}
		args = append(args, name, value)
	}
	for name, value := range f { // what else the entry's own text may name
		if !slices.Contains(factNames, name) {
			args = append(args, name, value)
		}
	}
	return args
}

// factText writes one parameter. From the database amounts come as JSON objects and
// numbers as float64, which holds every amount and count there can be exactly.
func factText(ctx context.Context, name string, value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case order.Money:
		return v.Localize(i18n.Language(ctx))
	case map[string]any:
		if text, ok := v[i18n.Language(ctx)].(string); ok { // a name in each language
			return text
		}
		amount, _ := v["amount"].(float64)
		currency, _ := v["currency"].(string)
		return order.Money{Amount: int64(amount), Currency: currency}.Localize(i18n.Language(ctx))
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case string:
		return factString(ctx, name, v)
	}
	return fmt.Sprint(value)
}

func factString(ctx context.Context, name, value string) string {
	switch name {
	case "next_try", "captured_at", "expires_at", "paused_at":
		if t, err := time.Parse(time.RFC3339, value); err == nil {
			return FormatSeconds(ctx, t)
		}
	case "until": // a day, included
		if t, err := time.Parse(time.RFC3339, value); err == nil {
			return FormatDate(ctx, t)
		}
	}
	return value
}

// nameCarriers writes the names of carriers for their codes: that of a parcel, and those
// of "code number, code number".
func (f facts) nameCarriers(carriers carrier.Table) {
	if code := f["carrier"]; code != "" {
		f["carrier"] = carriers.NameOf(code)
	}
	if f["parcels"] == "" {
		return
	}
	list := strings.Split(f["parcels"], ", ")
	for i, p := range list {
		if code, number, ok := strings.Cut(p, " "); ok {
			list[i] = carriers.NameOf(code) + " " + number
		}
	}
	f["parcels"] = strings.Join(list, ", ")
}

// protocolKind is the mood of an entry.
func protocolKind(e order.ProtocolEntry) Kind {
	switch e.Outcome {
	case order.OK:
		return OK
	case order.Failed:
		return Fail
	}
	return Quiet
}
