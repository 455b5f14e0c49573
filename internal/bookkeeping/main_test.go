package bookkeeping_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/bookkeeping"
	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/order"
	"zahlwerk/internal/settlement"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

// wednesday is when the payouts of tests are made, if they don't say otherwise: in summer,
// late enough that it is Thursday where the merchant works.
var wednesday = time.Date(2026, 7, 1, 22, 30, 0, 0, time.UTC)

// books are those of a merchant with one account at Klarna.
type books struct {
	*bookkeeping.Service
	t       testing.TB
	db      *store.DB
	trail   *audit.Trail
	account businessaccount.Account
	run     settlement.ImportRun
	lines   int
}

func open(t testing.TB, db *store.DB) *books {
	t.Helper()
	b := &books{t: t, db: db, trail: audit.New(db)}
	clk := clock.NewFixed(wednesday.Add(time.Hour))
	b.Service = bookkeeping.New(db, clk, b.trail, businessaccount.New(db, clk, nil, b.trail, nil))
	b.newAccount("Klarna-DE")
	return b
}

// each runs the test on both databases.
func each(t *testing.T, test func(t *testing.T, b *books)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(t, open(t, db)) })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newAccount makes an account with an import; what follows is about it.
func (b *books) newAccount(shortName string) {
	b.t.Helper()
	b.account = businessaccount.Account{Name: shortName, ShortName: shortName, Type: businessaccount.Klarna, CreatedAt: wednesday, UpdatedAt: wednesday}
	b.run = settlement.ImportRun{Source: settlement.FromAPI, State: settlement.Done, CreatedAt: wednesday}
	must(b.t, b.db.InTx(b.t.Context(), func(tx *gorm.DB) error {
		if err := tx.Create(&b.account).Error; err != nil {
			return err
		}
		b.run.AccountID = b.account.ID
		return tx.Omit("NextPage", "Problem").Create(&b.run).Error
	}))
}

// allAccounts are settings in which nothing is missing.
func allAccounts() bookkeeping.Settings {
	set := bookkeeping.Defaults()
	for i, role := range bookkeeping.Roles() {
		set.Accounts[role] = fmt.Sprint(1360 + i)
	}
	set.Accounts[bookkeeping.Sales] = "10000" // a personal account
	set.Consultant, set.Client, set.FeeTaxKey = 29098, 55003, "94"
	return set
}

func (b *books) set(set bookkeeping.Settings) {
	b.t.Helper()
	must(b.t, b.UpdateSettings(b.t.Context(), set, "Erika Beispiel"))
}

// payout is a payout of 0 EUR without lines; change says what is different.
func payout(reference string, change ...func(p *settlement.Payout)) settlement.Payout {
	p := settlement.Payout{PaymentReference: reference, PayoutDate: wednesday, Currency: "EUR", SettlementType: klarna.SettledNet, Complete: true}
	for _, c := range change {
		c(&p)
	}
	return p
}

// of is a line of a type that adds an amount to its payout.
func of(typ klarna.TransactionType, amount int64, change ...func(l *settlement.StatementLine)) settlement.StatementLine {
	l := settlement.StatementLine{Type: typ, Amount: amount, RawAmount: max(amount, -amount), MatchState: settlement.NoOrder}
	for _, c := range change {
		c(&l)
	}
	return l
}

// put keeps a payout with its lines, as an import does. A settlement of 0 is what the
// lines come to with the reasons.
func (b *books) put(p settlement.Payout, lines ...settlement.StatementLine) settlement.Payout {
	b.t.Helper()
	p.AccountID, p.RunID, p.Source, p.CreatedAt = b.account.ID, b.run.ID, settlement.FromAPI, wednesday
	type key struct {
		typ   klarna.TransactionType
		state settlement.MatchState
	}
	sums := map[key]*settlement.Sum{}
	var named int64
	for _, r := range p.Reasons {
		named += r.Amount
	}
	for i := range lines {
		l := &lines[i]
		b.lines++
		l.AccountID, l.RunID, l.PaymentReference, l.PayoutDate, l.Currency = p.AccountID, p.RunID, p.PaymentReference, p.PayoutDate, p.Currency
		l.Identity = fmt.Sprint(b.lines)
		k := key{l.Type, l.MatchState}
		if sums[k] == nil {
			sums[k] = &settlement.Sum{Type: k.typ, MatchState: k.state}
		}
		sums[k].Lines++
		sums[k].Amount += l.Amount
		sums[k].RawAmount += l.RawAmount
		p.Lines++
		p.LinesAmount += l.Amount
	}
	if p.Totals.Settlement == 0 {
		p.Totals.Settlement = p.LinesAmount + named
	}
	p.Difference = p.Totals.Settlement - p.LinesAmount
	p.Unexplained = p.Difference - named
	if p.Reasons == nil {
		p.Reasons = []settlement.Reason{}
	}
	must(b.t, b.db.InTx(b.t.Context(), func(tx *gorm.DB) error {
		if err := tx.Create(&p).Error; err != nil {
			return err
		}
		for i := range lines {
			lines[i].PayoutID = p.ID
		}
		for _, s := range sums {
			s.PayoutID = p.ID
			if err := tx.Create(s).Error; err != nil {
				return err
			}
		}
		if len(lines) == 0 {
			return nil
		}
		return tx.CreateInBatches(&lines, 200).Error
	}))
	return p
}

// week is a selection of the days around wednesday.
func (b *books) week(f bookkeeping.Format, w bookkeeping.Way) bookkeeping.Selection {
	return bookkeeping.Selection{
		AccountID: b.account.ID, Format: f, Way: w,
		From: day("2026-06-29"), Until: day("2026-07-05"),
	}
}

func day(s string) time.Time {
	d, err := time.ParseInLocation(time.DateOnly, s, order.Zone)
	if err != nil {
		panic(err)
	}
	return d
}

func (b *books) check(sel bookkeeping.Selection) *bookkeeping.Check {
	b.t.Helper()
	c, err := b.Check(b.t.Context(), sel)
	must(b.t, err)
	return c
}

// export returns the files of an export by name; one that is not packed has none.
func (b *books) export(sel bookkeeping.Selection) map[string][]byte {
	b.t.Helper()
	e, err := b.Open(b.t.Context(), sel, true)
	must(b.t, err)
	var out bytes.Buffer
	must(b.t, e.Write(b.t.Context(), &out))
	if e.ContentType != "application/zip" {
		return map[string][]byte{e.Name: out.Bytes()}
	}
	archive, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	must(b.t, err)
	files := map[string][]byte{}
	for _, entry := range archive.File {
		r, err := entry.Open()
		must(b.t, err)
		files[entry.Name], err = io.ReadAll(r)
		must(b.t, errors.Join(err, r.Close()))
	}
	return files
}

// one is export where there is one file.
func (b *books) one(sel bookkeeping.Selection) []byte {
	b.t.Helper()
	files := b.export(sel)
	if len(files) != 1 {
		b.t.Fatalf("%d files, want one", len(files))
	}
	for _, f := range files {
		return f
	}
	return nil
}

func isFault(err error, code fault.Code, key string) bool {
	e, ok := errors.AsType[*fault.Error](err)
	return ok && e.Code == code && e.Key == key
}
