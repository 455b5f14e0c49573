package dunning_test

import (
	"context"
	"strings"
	"testing"

	"gorm.io/gorm"

	"zahlwerk/internal/dunning"
	"zahlwerk/internal/store/storetest"
)

// query is one that was run, as it was run.
type query struct {
	sql  string
	args []any
}

// record keeps what is asked of the database from now on; the returned function gives
// the queries that do made.
func (b *books) record() func(do func(ctx context.Context) error) []query {
	b.t.Helper()
	var made []query
	keep := func(tx *gorm.DB) { made = append(made, query{tx.Statement.SQL.String(), tx.Statement.Vars}) }
	callbacks := b.db.Read(b.t.Context()).Callback()
	b.must(callbacks.Query().After("gorm:query").Register("test:record", keep))
	b.must(callbacks.Row().After("gorm:row").Register("test:record", keep))
	b.must(callbacks.Raw().After("gorm:raw").Register("test:record", keep))
	return func(do func(ctx context.Context) error) []query {
		b.t.Helper()
		made = nil
		b.must(do(b.t.Context()))
		return made
	}
}

// Open items are found by the index that has nothing else, in its order: what is paid
// costs nothing. SQLite says how it would find them.
func TestQueryPlans(t *testing.T) {
	t.Parallel()
	b := open(t, storetest.SQLite(t))
	made := b.record()
	list := func(f dunning.Filter) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			_, err := b.List(ctx, f)
			return err
		}
	}
	sums := func(f dunning.Filter) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			_, err := b.Sums(ctx, f)
			return err
		}
	}
	count := func(s dunning.Show) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			_, err := b.Count(ctx, s)
			return err
		}
	}
	const words = "order_terms USING COVERING INDEX sqlite_autoindex_order_terms_1 (term>? AND term<?)"
	here := dunning.CursorOf(&dunning.Item{PayBy: payBy, OrderID: 7})
	for name, tc := range map[string]struct {
		do     func(ctx context.Context) error
		want   string // in the plan
		sorted bool   // sorts what it found
	}{
		"all":                 {do: list(dunning.Filter{}), want: "orders USING INDEX orders_open_items (pay_by>?)"},
		"all, later":          {do: list(dunning.Filter{After: here}), want: "orders USING INDEX orders_open_items (pay_by>?)"},
		"all, earlier":        {do: list(dunning.Filter{Before: here}), want: "orders USING INDEX orders_open_items (pay_by>? AND pay_by<?)"},
		"not due":             {do: list(dunning.Filter{Show: dunning.NotDue}), want: "orders USING INDEX orders_open_items (pay_by>?)"},
		"overdue":             {do: list(dunning.Filter{Show: dunning.Overdue}), want: "orders USING INDEX orders_open_items (pay_by>? AND pay_by<?)"},
		"to remind":           {do: list(dunning.Filter{Show: dunning.ToRemind}), want: "orders USING INDEX orders_open_items (pay_by>? AND pay_by<?)"},
		"sums":                {do: sums(dunning.Filter{}), want: "orders USING COVERING INDEX orders_open_items (pay_by>?)"},
		"sums of the overdue": {do: sums(dunning.Filter{Show: dunning.Overdue}), want: "orders USING COVERING INDEX orders_open_items (pay_by>? AND pay_by<?)"},
		"sums to remind":      {do: sums(dunning.Filter{Show: dunning.ToRemind}), want: "orders USING COVERING INDEX orders_open_items (pay_by>? AND pay_by<?)"},
		"count":               {do: count(dunning.All), want: "orders USING COVERING INDEX orders_open_items (pay_by>?)"},
		"count to remind":     {do: count(dunning.ToRemind), want: "orders USING COVERING INDEX orders_open_items (pay_by>? AND pay_by<?)"},
		"a word":              {do: list(dunning.Filter{Query: "max"}), want: words, sorted: true},
		"sums of a word":      {do: sums(dunning.Filter{Query: "max"}), want: words},
	} {
		t.Run(name, func(t *testing.T) {
			plan := b.explain(made(tc.do))
			if !strings.Contains(plan, tc.want) {
				t.Errorf("the plan is without %q", tc.want)
			}
			if strings.Contains(strings.ReplaceAll(plan, "SCAN found", ""), "SCAN") {
				t.Error("reads a whole table")
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

func (b *books) explain(queries []query) string {
	b.t.Helper()
	pool, err := b.db.Read(b.t.Context()).DB()
	b.must(err)
	var plan strings.Builder
	for _, q := range queries {
		rows, err := pool.QueryContext(b.t.Context(), "EXPLAIN QUERY PLAN "+q.sql, q.args...)
		b.must(err)
		for rows.Next() {
			var id, parent, unused int
			var detail string
			b.must(rows.Scan(&id, &parent, &unused, &detail))
			plan.WriteString(detail + "\n")
		}
		b.must(rows.Err())
		b.must(rows.Close())
	}
	return plan.String()
}
