package order_test

import (
	"context"
	"strings"
	"testing"

	"gorm.io/gorm"

	"zahlwerk/internal/order"
	"zahlwerk/internal/store/storetest"
)

// query is one that was run, as it was run.
type query struct {
	sql  string
	args []any
}

// record keeps what is asked of the database from now on; the returned function gives
// the queries that do made.
func record(t *testing.T, s shop) func(do func(ctx context.Context) error) []query {
	t.Helper()
	var made []query
	keep := func(tx *gorm.DB) { made = append(made, query{tx.Statement.SQL.String(), tx.Statement.Vars}) }
	callbacks := s.db.Read(t.Context()).Callback()
	for _, register := range []func(name string, fn func(*gorm.DB)) error{
		callbacks.Query().After("gorm:query").Register, callbacks.Row().After("gorm:row").Register, callbacks.Raw().After("gorm:raw").Register,
	} {
		if err := register("test:record", keep); err != nil {
			t.Fatal(err)
		}
	}
	return func(do func(ctx context.Context) error) []query {
		t.Helper()
		made = nil
		if err := do(t.Context()); err != nil {
			t.Fatal(err)
		}
		return made
	}
}

// A list of 50 orders costs as many queries as one of a single order.
func TestNumberOfQueries(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		want int
		do   func(ctx context.Context, s shop) error
	}{
		"List": {2, func(ctx context.Context, s shop) error {
			p, err := s.List(ctx, order.Filter{Query: "max", Feedback: order.FeedbackWaiting})
			if err == nil && len(p.Orders) == 0 {
				t.Error("an empty list proves nothing")
			}
			return err
		}},
		"ProgressOf": {1, func(ctx context.Context, s shop) error {
			orders := make([]order.Order, 50)
			for i := range orders {
				orders[i].ID = int64(i + 1)
			}
			_, err := s.ProgressOf(ctx, orders)
			return err
		}},
		"Each": {4, func(ctx context.Context, s shop) error {
			for _, err := range s.Each(ctx, order.Filter{}) {
				return err
			}
			return nil
		}},
		"NeighboursOf": {2, func(ctx context.Context, s shop) error {
			_, err := s.NeighboursOf(ctx, order.Filter{Query: "max"}, 1)
			return err
		}},
		"Find": {6, func(ctx context.Context, s shop) error {
			_, err := s.Find(ctx, 1)
			return err
		}},
		"Protocol": {1, func(ctx context.Context, s shop) error {
			_, err := s.Protocol(ctx, 1, 0, 50)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, many := range []int{1, 50} {
				s := open(t, storetest.SQLite(t))
				for _, o := range s.fill(t, 1, many, nil) {
					s.inTx(t, func(tx *gorm.DB) error {
						for _, n := range []string{"a", "b"} {
							note := order.DeliveryNote{OrderID: o.ID, Number: o.Number + n, CreatedAt: now,
								Parcels: []order.Parcel{{OrderID: o.ID, TrackingKey: n, Report: order.ReportNone, CreatedAt: now}}}
							if err := tx.Create(&note).Error; err != nil {
								return err
							}
						}
						return order.AddTerms(tx, o.ID, o.CustomerName)
					})
				}
				made := record(t, s)(func(ctx context.Context) error { return tc.do(ctx, s) })
				if len(made) != tc.want {
					t.Errorf("%d orders: %d queries, want %d: %v", many, len(made), tc.want, made)
				}
			}
		})
	}
}

// No page reads all orders: SQLite says how it would find them.
func TestQueryPlans(t *testing.T) {
	t.Parallel()
	s := open(t, storetest.SQLite(t))
	made := record(t, s)
	list := func(f order.Filter) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			_, err := s.List(ctx, f)
			return err
		}
	}
	for name, tc := range map[string]struct {
		do     func(ctx context.Context) error
		want   string // in the plan
		walks  bool   // goes through the orders newest first, until the page is full
		sorted bool   // sorts what it found
	}{
		"the newest":          {do: list(order.Filter{}), want: "SCAN orders", walks: true},
		"older":               {do: list(order.Filter{Before: 500}), want: "SEARCH orders USING INTEGER PRIMARY KEY (rowid<?)"},
		"newer":               {do: list(order.Filter{After: 500}), want: "SEARCH orders USING INTEGER PRIMARY KEY (rowid>?)"},
		"a status":            {do: list(order.Filter{Status: order.Shipped}), want: "INDEX orders_status (status=?)"},
		"a status, older":     {do: list(order.Filter{Status: order.Shipped, Before: 500}), want: "INDEX orders_status (status=? AND id<?)"},
		"a feedback":          {do: list(order.Filter{Feedback: order.FeedbackFailed}), want: "INDEX orders_feedback (feedback=?)"},
		"a feedback, older":   {do: list(order.Filter{Feedback: order.FeedbackFailed, Before: 500}), want: "INDEX orders_feedback (feedback=? AND id<?)"},
		"a payment method":    {do: list(order.Filter{PaymentMethodID: 1}), want: "INDEX orders_payment_method_id (payment_method_id=?)"},
		"some days":           {do: list(order.Filter{From: now, Until: now.AddDate(0, 0, 1)}), want: "INDEX orders_placed_at (placed_at>? AND placed_at<?)", sorted: true},
		"a word":              {do: list(order.Filter{Query: "max"}), want: "order_terms USING COVERING INDEX sqlite_autoindex_order_terms_1 (term>? AND term<?)"},
		"words":               {do: list(order.Filter{Query: "max muster"}), want: "order_terms USING COVERING INDEX sqlite_autoindex_order_terms_1 (term>? AND term<?)", sorted: true},
		"a word and a status": {do: list(order.Filter{Query: "max", Status: order.Shipped}), want: "INDEX orders_status (status=? AND id=?)"},
		"a count": {do: func(ctx context.Context) error {
			_, err := s.Count(ctx, order.FeedbackFailed)
			return err
		}, want: "COVERING INDEX orders_feedback (feedback=?)"},
		"a count of a filter": {do: func(ctx context.Context) error {
			_, err := s.CountAll(ctx, order.Filter{Status: order.Shipped})
			return err
		}, want: "COVERING INDEX orders_status (status=?)"},
		"neighbours": {do: func(ctx context.Context) error {
			_, err := s.NeighboursOf(ctx, order.Filter{Feedback: order.FeedbackFailed}, 500)
			return err
		}, want: "INDEX orders_feedback (feedback=? AND id>?)"},
		"what expires": {do: list(order.Filter{ExpiresWithin: 7}), want: "INDEX orders_feedback (feedback=?)", sorted: true},
		"lights": {do: func(ctx context.Context) error {
			_, err := s.ProgressOf(ctx, []order.Order{{ID: 1}, {ID: 2}})
			return err
		}, want: "INDEX delivery_notes_order_id (order_id=?)"},
		"an order by its number": {do: func(ctx context.Context) error {
			_, _ = s.FindByNumber(ctx, "200081")
			return nil
		}, want: "INDEX sqlite_autoindex_orders_1 (number=?)"},
		"a protocol": {do: func(ctx context.Context) error {
			_, err := s.Protocol(ctx, 1, 500, 50)
			return err
		}, want: "INDEX protocol_entries_order_id (order_id=? AND id<?)"},
	} {
		t.Run(name, func(t *testing.T) {
			plan := explain(t, s, made(tc.do))
			if !strings.Contains(plan, tc.want) {
				t.Errorf("the plan is without %q", tc.want)
			}
			if walks := strings.Contains(strings.ReplaceAll(plan, "SCAN found", ""), "SCAN"); walks != tc.walks {
				t.Errorf("reads a whole table, or %q is wrong", "walks")
			}
			if strings.Contains(plan, "TEMP B-TREE FOR ORDER BY") != tc.sorted {
				t.Errorf("sorts, or %q is wrong", "sorted")
			}
			if t.Failed() {
				t.Log(plan)
			}
		})
	}
}

func explain(t *testing.T, s shop, queries []query) string {
	t.Helper()
	pool, err := s.db.Read(t.Context()).DB()
	if err != nil {
		t.Fatal(err)
	}
	var plan strings.Builder
	for _, q := range queries {
		rows, err := pool.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+q.sql, q.args...)
		if err != nil {
			t.Fatalf("%s: %v", q.sql, err)
		}
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			plan.WriteString(detail + "\n")
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		rows.Close()
	}
	return plan.String()
}
