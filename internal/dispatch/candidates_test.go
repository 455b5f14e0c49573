package dispatch

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/store/storetest"
)

func TestObstacle(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)
	before, after := now.Add(-time.Minute), now.Add(time.Minute)
	klarna := paymentmethod.Method{Module: paymentmethod.ModuleKlarna, Connection: paymentmethod.API, Active: true,
		Username: []byte("sealed"), Password: []byte("sealed")}
	type change func(o *order.Order, r *readiness)
	for name, tc := range map[string]struct {
		change change
		want   Obstacle
	}{
		"nothing":    {func(o *order.Order, r *readiness) {}, NoObstacle},
		"cancelled":  {func(o *order.Order, r *readiness) { o.Status, r.Noted = order.Cancelled, true }, ObstacleCancelled},
		"draft":      {func(o *order.Order, r *readiness) { o.Status, o.AutoShip = order.Draft, false }, ObstacleNotReleased},
		"shipped":    {func(o *order.Order, r *readiness) { o.Status, r.Noted = order.Shipped, true }, ObstacleLeft},
		"completed":  {func(o *order.Order, r *readiness) { o.Status = order.Completed }, ObstacleLeft},
		"has a note": {func(o *order.Order, r *readiness) { r.Noted, o.AutoShip = true, false }, ObstacleHasNote},
		"not wanted": {func(o *order.Order, r *readiness) { o.AutoShip, o.KlarnaOrderID = false, "" }, ObstacleNotWanted},
		"not paid":   {func(o *order.Order, r *readiness) { o.BehavesLike = paymentmethod.Prepayment }, ObstacleNotPaid},
		"paid": {func(o *order.Order, r *readiness) {
			o.BehavesLike, o.PaidAt = paymentmethod.Prepayment, &before
		}, NoObstacle},
		"marked paid": {func(o *order.Order, r *readiness) {
			o.BehavesLike, o.MarkPaid = paymentmethod.Prepayment, true
		}, NoObstacle},
		"expired":       {func(o *order.Order, r *readiness) { o.ExpiresAt, o.PaymentMethod.Active = &before, false }, ObstacleExpired},
		"expires now":   {func(o *order.Order, r *readiness) { o.ExpiresAt = &now }, ObstacleExpired},
		"expires soon":  {func(o *order.Order, r *readiness) { o.ExpiresAt = &after }, NoObstacle},
		"expired, paid": {func(o *order.Order, r *readiness) { o.ExpiresAt, o.PaidAt = &before, &before }, NoObstacle},
		"expired, by hand": {func(o *order.Order, r *readiness) {
			o.ExpiresAt, o.PaymentMethod.Connection = &before, paymentmethod.Manual
		}, ObstacleExpired},
		"method inactive": {func(o *order.Order, r *readiness) { o.PaymentMethod.Active, o.PaymentMethod.Username = false, nil }, ObstacleMethodInactive},
		"no user name":    {func(o *order.Order, r *readiness) { o.PaymentMethod.Username = nil }, ObstacleNoCredentials},
		"no password":     {func(o *order.Order, r *readiness) { o.PaymentMethod.Password, o.KlarnaOrderID = nil, "" }, ObstacleNoCredentials},
		"no Klarna order": {func(o *order.Order, r *readiness) { o.KlarnaOrderID, r.Goods = "", false }, ObstacleNoKlarnaOrderID},
		"by hand": {func(o *order.Order, r *readiness) {
			o.PaymentMethod.Connection, o.KlarnaOrderID = paymentmethod.Manual, ""
		}, NoObstacle},
		"plugin": {func(o *order.Order, r *readiness) {
			o.PaymentMethod.Connection, o.PaymentMethod.Active = paymentmethod.Plugin, false
		}, NoObstacle},
		"Klarna not told": {func(o *order.Order, r *readiness) { o.TellKlarna, o.KlarnaOrderID, o.ExpiresAt = false, "", &before }, NoObstacle},
		"not of Klarna": {func(o *order.Order, r *readiness) {
			o.PaymentMethod, o.KlarnaOrderID, o.ExpiresAt = paymentmethod.Method{}, "", &before
		}, NoObstacle},
		"no goods":     {func(o *order.Order, r *readiness) { r.Goods = false }, ObstacleNothingToShip},
		"free":         {func(o *order.Order, r *readiness) { o.Total, o.Documents = 0, paymentmethod.DeliveryNoteAndInvoice }, NoObstacle},
		"invoiced":     {func(o *order.Order, r *readiness) { r.Invoiced = true }, NoObstacle},
		"invoice only": {func(o *order.Order, r *readiness) { o.Documents, r.Goods = paymentmethod.InvoiceOnly, false }, NoObstacle},
		"invoice only, has": {func(o *order.Order, r *readiness) {
			o.Documents, r.Invoiced, o.AutoShip = paymentmethod.InvoiceOnly, true, false
		}, ObstacleInvoiced},
		"invoice of 0": {func(o *order.Order, r *readiness) { o.Documents, o.Total = paymentmethod.InvoiceOnly, 0 }, ObstacleNothingToInvoice},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := order.Order{Status: order.Released, AutoShip: true, TellKlarna: true, KlarnaOrderID: "3f9a1c52-6a0e-4c0b-9d2e-7b1d5a2c9e10",
				Documents: paymentmethod.DeliveryNoteOnly, Total: 100, PaymentMethod: klarna}
			r := readiness{Goods: true}
			tc.change(&o, &r)
			if got := obstacle(&o, r, now); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

func TestMakes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		documents     paymentmethod.Documents
		total         int64
		note, invoice bool
	}{
		{paymentmethod.DeliveryNoteOnly, 100, true, false},
		{paymentmethod.DeliveryNoteAndInvoice, 1, true, true},
		{paymentmethod.DeliveryNoteAndInvoice, 0, true, false},
		{paymentmethod.InvoiceOnly, 1, false, true},
		{paymentmethod.InvoiceOnly, 0, false, false},
	} {
		note, invoice := makes(&order.Order{Documents: tc.documents, Total: tc.total})
		if note != tc.note || invoice != tc.invoice {
			t.Errorf("%s over %d: note %t, invoice %t", tc.documents, tc.total, note, invoice)
		}
	}
}

// The lists begin with the released orders after the cursor, and look everything else up:
// no table is read as a whole, however many orders there are.
func TestCandidatesPlan(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	for _, which := range []Readiness{Ready, Blocked} {
		sql := db.Read(t.Context()).ToSQL(func(tx *gorm.DB) *gorm.DB {
			return candidates(tx, which, time.Unix(0, 0)).Where("orders.id > ?", 17).Order("orders.id").Limit(50).Find(&[]order.Order{})
		})
		var plan []struct{ Detail string }
		if err := db.Read(t.Context()).Raw("EXPLAIN QUERY PLAN " + sql).Scan(&plan).Error; err != nil {
			t.Fatal(err)
		}
		steps := make([]string, len(plan))
		for i, p := range plan {
			steps[i] = p.Detail
		}
		bad := slices.ContainsFunc(steps, func(s string) bool { return strings.HasPrefix(s, "SCAN") || strings.Contains(s, "TEMP B-TREE") })
		if bad || !strings.Contains(steps[0], "orders_status (status=? AND id>?)") {
			t.Errorf("%s:\n%s", which, strings.Join(steps, "\n"))
		}
	}
}
