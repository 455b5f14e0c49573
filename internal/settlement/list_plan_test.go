package settlement_test

import (
	"context"
	"strings"
	"testing"

	"gorm.io/gorm"

	"zahlwerk/internal/clock"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/settlement"
	"zahlwerk/internal/store/storetest"
)

// plans returns how SQLite finds what do asks for.
func (s *shelf) plans(do func(ctx context.Context) error) string {
	s.t.Helper()
	pool, err := s.db.Read(s.t.Context()).DB()
	if err != nil {
		s.t.Fatal(err)
	}
	type query struct {
		sql  string
		args []any
	}
	var made []query
	keep := func(tx *gorm.DB) {
		if !tx.DryRun { // not by itself: a part of another one
			made = append(made, query{tx.Statement.SQL.String(), tx.Statement.Vars})
		}
	}
	callbacks := s.db.Read(s.t.Context()).Callback()
	for _, register := range []func(name string, fn func(*gorm.DB)) error{
		callbacks.Query().After("gorm:query").Replace, callbacks.Row().After("gorm:row").Replace, callbacks.Raw().After("gorm:raw").Replace,
	} {
		if err := register("test:record", keep); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := do(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	var plan strings.Builder
	for _, q := range made {
		rows, err := pool.QueryContext(s.t.Context(), "EXPLAIN QUERY PLAN "+q.sql, q.args...)
		if err != nil {
			s.t.Fatal(err)
		}
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				s.t.Fatal(err)
			}
			plan.WriteString(detail + "\n")
		}
		if err := rows.Close(); err != nil {
			s.t.Fatal(err)
		}
	}
	return plan.String()
}

// However many lines there are, those that are asked for are found by an index, and those
// of a payout in its order.
func TestLinePlans(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	s := &shelf{settlement.New(db, clock.NewFixed(wednesday), nil, nil, nil), t, db}
	b := s.scatter()
	amount := int64(2)
	account := b.accounts[1]
	const (
		byAccount = "p USING COVERING INDEX payouts_account (account_id=?"
		inPayout  = "statement_lines USING COVERING INDEX statement_lines_cells (payout_id=? AND type=? AND match_state=?)"
		byAmount  = "l USING COVERING INDEX statement_lines_amount (amount=?)"
	)
	for name, tc := range map[string]struct {
		filter settlement.LineFilter
		want   []string
	}{
		"all":          {settlement.LineFilter{}, []string{"p USING INDEX payouts_payout_date", inPayout}},
		"an account":   {settlement.LineFilter{AccountID: account}, []string{byAccount, inPayout}},
		"a type":       {settlement.LineFilter{AccountID: account, Type: klarna.TypeSale}, []string{byAccount, inPayout}},
		"a state":      {settlement.LineFilter{AccountID: account, Match: []settlement.MatchState{settlement.Proposed}}, []string{byAccount, inPayout}},
		"days":         {settlement.LineFilter{AccountID: account, From: wednesday.Add(-week), Until: wednesday}, []string{byAccount + " AND payout_date>? AND payout_date<?)"}},
		"later":        {settlement.LineFilter{AccountID: account, Turn: settlement.Turn{After: settlement.NewCursor(wednesday, 1<<40)}}, []string{byAccount + " AND payout_date<?)"}},
		"an amount":    {settlement.LineFilter{Amount: &amount}, []string{byAmount}},
		"a payout":     {settlement.LineFilter{Query: "Xfirst1"}, []string{"payouts USING INDEX payouts_payment_reference (payment_reference>? AND payment_reference<?)"}},
		"an order":     {settlement.LineFilter{Query: "K1"}, []string{"INDEX statement_lines_klarna_order_id", "INDEX statement_lines_short_order_id", "INDEX statement_lines_merchant_reference1", "INDEX statement_lines_merchant_reference2", "INDEX statement_lines_order_id", "orders_external_number", "orders USING COVERING INDEX"}},
		"a lone digit": {settlement.LineFilter{Query: "10", Language: "de"}, []string{"payouts_settlement_amount"}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.filter.Limit = 5
			plan := s.plans(func(ctx context.Context) error {
				_, err := s.Lines(ctx, tc.filter)
				return err
			})
			for _, want := range tc.want {
				if !strings.Contains(plan, want) {
					t.Errorf("the plan is without %q", want)
				}
			}
			for line := range strings.Lines(plan) {
				if strings.HasPrefix(line, "SCAN") && (strings.Contains(line, "statement_lines") || strings.HasPrefix(line, "SCAN l")) {
					t.Errorf("reads all lines: %s", line)
				}
			}
			if t.Failed() {
				t.Log(plan)
			}
		})
	}
}
