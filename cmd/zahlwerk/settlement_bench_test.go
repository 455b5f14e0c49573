package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/order"
	"zahlwerk/internal/settlement"
	"zahlwerk/internal/store"
)

// The seed of what the sandbox pays out, which the references of its sales begin with.
const benchSeed = 4

// klarnaAccount sets an account up that looks back as far as can be.
func (s *bench) klarnaAccount() *businessaccount.Account {
	s.b.Helper()
	a, err := s.accounts.Create(context.Background(), benchAccount(), "bench")
	if err != nil {
		s.b.Fatal(err)
	}
	return a
}

func benchAccount() businessaccount.Input {
	in := businessaccount.Defaults()
	in.Environment = klarna.Playground
	in.Access = fmt.Sprintf("API_USER=>%s; API_KEY=>%s; API_DAYS=>365;", klarnasandbox.DemoUsername, klarnasandbox.DemoPassword)
	return in
}

// paidOut lets the sandbox pay out so many transactions, and makes the orders that they
// are about: the n-th sale of the volume is about the order G<seed>-<n>.
func (s *bench) paidOut(payouts, transactions int) {
	s.b.Helper()
	_, err := s.sandbox.GeneratePayouts(klarnasandbox.Volume{Payouts: payouts, Transactions: transactions, Seed: benchSeed})
	if err != nil {
		s.b.Fatal(err)
	}
	like := *s.order(1)
	like.Lines = nil
	orders := make([]order.Order, 0, transactions*3/10)
	for n := range cap(orders) {
		o := like
		o.ID, o.Number, o.KlarnaOrderID = 0, fmt.Sprintf("G%d-%d", benchSeed, n), ""
		orders = append(orders, o)
	}
	err = s.db.InTx(context.Background(), func(tx *gorm.DB) error { return tx.Omit("Lines").CreateInBatches(orders, store.Batch).Error })
	if err != nil {
		s.b.Fatal(err)
	}
}

// imported asks for an import and returns how long it took.
func (s *bench) imported(accountID int64) time.Duration {
	s.b.Helper()
	ctx := context.Background()
	start := time.Now()
	r, err := s.settlements.Request(ctx, accountID, true, "bench")
	if err != nil {
		s.b.Fatal(err)
	}
	for {
		if r, err = s.settlements.Run(ctx, r.ID); err != nil {
			s.b.Fatal(err)
		}
		if !r.State.Active() {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if r.State != settlement.Done {
		s.b.Fatalf("the import is %s: %+v", r.State, r.Problem)
	}
	return time.Since(start)
}

// BenchmarkImport imports 100,000 transactions and matches them, then the same window
// again. The baseline puts the same rows into the same tables of an empty database with
// prepared statements, 500 in a transaction, and no program around them.
func BenchmarkImport(b *testing.B) {
	const payouts, transactions = 20, 100_000
	for range b.N {
		s := newBench(b, 0, 16)
		a := s.klarnaAccount()
		s.paidOut(payouts, transactions)
		s.run()
		<-s.runner.Ready()
		first := s.imported(a.ID)
		if n := s.count("SELECT count(*) FROM statement_lines WHERE match_state = 'matched'"); n != transactions {
			b.Fatalf("%d lines are matched", n)
		}
		second := s.imported(a.ID)
		bare := s.bareRows("import_runs", "payouts", "statement_lines", "payout_sums")
		ratio := bare.Seconds() / first.Seconds()
		b.ReportMetric(ratio, "of-bare")
		b.ReportMetric(transactions/first.Seconds(), "lines/s")
		report(b, "%.0f lines/s, %.2f of the bare rows' %.0f (goal 0.5); the second import %.1f times as fast (goal 1)",
			transactions/first.Seconds(), ratio, transactions/bare.Seconds(), first.Seconds()/second.Seconds())
	}
}

// bareRows puts the rows of tables into those of an empty database and returns how long
// that took; reading them beforehand does not count.
func (s *bench) bareRows(tables ...string) (took time.Duration) {
	s.b.Helper()
	db, err := store.Open("sqlite:"+filepath.Join(s.b.TempDir(), "bare.db"), store.Options{})
	if err != nil {
		s.b.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(context.Background()); err != nil {
		s.b.Fatal(err)
	}
	copyRows(s, db, "business_accounts")
	for _, table := range tables {
		took += copyRows(s, db, table)
	}
	return took
}

func copyRows(s *bench, to *store.DB, table string) (took time.Duration) {
	s.b.Helper()
	columns, rows := tableRows(s, table)
	insert := fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table, strings.Join(columns, ", "), strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", "))
	start := time.Now()
	for at := 0; at < len(rows); at += store.Batch {
		err := to.InTx(context.Background(), func(tx *gorm.DB) error {
			statement, err := tx.Statement.ConnPool.PrepareContext(context.Background(), insert)
			if err != nil {
				return err
			}
			defer statement.Close()
			for _, row := range rows[at:min(at+store.Batch, len(rows))] {
				if _, err := statement.Exec(row...); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			s.b.Fatal(err)
		}
	}
	return time.Since(start)
}

// tableRows reads a table.
func tableRows(s *bench, table string) (columns []string, all [][]any) {
	s.b.Helper()
	rows, err := s.db.Read(context.Background()).Raw("SELECT * FROM " + table).Rows()
	if err != nil {
		s.b.Fatal(err)
	}
	defer rows.Close()
	if columns, err = rows.Columns(); err != nil {
		s.b.Fatal(err)
	}
	for rows.Next() {
		row := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			s.b.Fatal(err)
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		s.b.Fatal(err)
	}
	return columns, all
}

// BenchmarkImportMemory lets a program of its own import 1,000,000 transactions, and
// compares the most memory that it has meanwhile with what it has when idle.
func BenchmarkImportMemory(b *testing.B) {
	const payouts, transactions = 50, 1_000_000
	for range b.N {
		sandbox, klarna := klarnaServer(b, klarnasandbox.Options{})
		_, err := sandbox.GeneratePayouts(klarnasandbox.Volume{Payouts: payouts, Transactions: transactions, Seed: benchSeed})
		if err != nil {
			b.Fatal(err)
		}
		s := newSite(b, "ZAHLWERK_KLARNA_URL="+klarna)
		if p, _ := s.ready(); p.stop() != 0 {
			b.Fatal(p.log)
		}
		p := s.start("serve") // on a database that is there
		desk := newDesk(b, s, klarna)
		a, err := desk.accounts.Create(context.Background(), benchAccount(), "bench")
		if err != nil {
			b.Fatal(err)
		}
		time.Sleep(3 * time.Second) // the work of the start is over
		idle := rss(b, p.cmd.Process.Pid)
		most := idle
		watched, end := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(watched)
			for {
				select {
				case <-end:
					return
				case <-time.After(50 * time.Millisecond):
					most = max(most, rss(b, p.cmd.Process.Pid))
				}
			}
		}()
		took := desk.imported(a.ID)
		close(end)
		<-watched
		if n := desk.count("SELECT count(*) FROM statement_lines"); n != transactions {
			b.Fatalf("%d lines", n)
		}
		b.ReportMetric(most-idle, "MB")
		report(b, "%.0f MB idle, at most %.0f MB more while importing (goal 40 MB); %.0f lines/s", idle, most-idle, transactions/took.Seconds())
		p.kill()
	}
}

// newDesk wires the services on the database of a program that is running, for a test that
// asks it to do something; the program is the one that does it.
func newDesk(b *testing.B, s *site, klarnaURL string) *bench {
	b.Helper()
	c := &config{Addr: "127.0.0.1:0", Data: s.data, KlarnaURL: klarnaURL, Workers: 1, Retry: "5s,5m,5h", KeyLifetime: "23h", Log: "text", LogLevel: "warn"}
	if err := c.check(); err != nil {
		b.Fatal(err)
	}
	db, err := openDatabase(context.Background(), c, false)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	desk := &bench{b: b}
	if desk.app, err = newApp(context.Background(), c, slog.New(slog.DiscardHandler), clock.New(), db); err != nil {
		b.Fatal(err)
	}
	return desk
}
