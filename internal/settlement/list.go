package settlement

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/store"
)

// SearchLimit is how many lines a search finds at most, and where adding them up stops.
const SearchLimit = 1000

// LineFilter says which statement lines a list shows. Zero fields restrict nothing.
type LineFilter struct {
	Turn
	AccountID int64
	PayoutID  int64
	Type      klarna.TransactionType
	Match     []MatchState
	Currency  string
	From      time.Time // of the payout date, included
	Until     time.Time // excluded
	Amount    *int64    // with either sign
	Query     string    // a line of the bank's statement, or ids and references of an order
	Language  string    // in which amounts in Query are written

	payouts []int64 // that Query found; nil for all
	lines   []int64
}

// Line is a statement line in a list.
type Line struct {
	StatementLine `gorm:"embedded"`
	OrderNumber   string // of the order that it is matched with, "" for none
}

// LinePage is a part of the list of lines: the newest payout first, in it the line first
// that came last.
type LinePage struct {
	Lines    []Line
	HasNewer bool
	HasOlder bool
}

// CursorOf is the place of a line.
func (l *StatementLine) CursorOf() Cursor { return Cursor{l.PayoutDate, l.ID} }

// Lines returns one page of the lines that f finds, surplus ones among them. Lines of an
// import that was undone are in none.
func (s *Service) Lines(ctx context.Context, f LineFilter) (p LinePage, err error) {
	tx := s.db.Read(ctx)
	if found, err := f.search(tx); err != nil || !found {
		return p, err
	}
	w := walk{tx: tx, f: f, missing: f.limit() + 1}
	if err := w.start(); err != nil {
		return p, err
	}
	if f.byLine() {
		err = w.byLine()
	} else {
		err = w.byPayout()
	}
	if err != nil || len(w.ids) == 0 {
		return p, wrap("list statement lines", err)
	}
	if p.Lines, err = w.read(); err != nil {
		return p, err
	}
	p.Lines, p.HasNewer, p.HasOlder = turned(f.Turn, p.Lines)
	return p, nil
}

// EachLine returns all lines that f finds, some at a time; its turn does not count.
func (s *Service) EachLine(ctx context.Context, f LineFilter) iter.Seq2[[]Line, error] {
	return func(yield func([]Line, error) bool) {
		for f.Turn = (Turn{Limit: MaxPage}); ; {
			p, err := s.Lines(ctx, f)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(p.Lines) > 0 && !yield(p.Lines, nil) || !p.HasOlder {
				return
			}
			f.After = p.Lines[len(p.Lines)-1].CursorOf()
		}
	}
}

// FindLine returns a line; NotFound when there is none.
func (s *Service) FindLine(ctx context.Context, id int64) (*Line, error) {
	var found []Line
	err := lineRows(s.db.Read(ctx)).Joins("JOIN payouts p ON p.id = l.payout_id").Where("l.id = ?", id).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("find a statement line: %w", err)
	}
	if len(found) == 0 {
		return nil, fault.New(fault.NotFound, "incoming.error.line_not_found")
	}
	return &found[0], nil
}

func lineRows(tx *gorm.DB) *gorm.DB {
	return tx.Table("statement_lines l").Select("l.*, coalesce(o.number, '') AS order_number").Joins("LEFT JOIN orders o ON o.id = l.order_id")
}

// LineSum is what lines of one currency come to.
type LineSum struct {
	Currency string
	Lines    int64
	Amount   int64 // signed
}

// LineSums adds up what f finds, all pages of it, by currency; surplus lines do not count.
// Where that means to look at each line it stops at SearchLimit and says so.
func (s *Service) LineSums(ctx context.Context, f LineFilter) (sums []LineSum, partial bool, err error) {
	tx := s.db.Read(ctx)
	if found, err := f.search(tx); err != nil || !found {
		return nil, false, err
	}
	switch {
	case f.byLine():
		some := f.ofLines(tx.Table("statement_lines l").Select("l.currency, l.amount").Joins("JOIN payouts p ON p.id = l.payout_id"), f.amounts()...).
			Where("NOT l.surplus")
		err = tx.Raw("SELECT currency, count(*) AS lines, CAST(sum(amount) AS BIGINT) AS amount FROM (?) l GROUP BY currency ORDER BY currency",
			some.Limit(SearchLimit)).Scan(&sums).Error
		partial = linesIn(sums) == SearchLimit
	case f.byAccount():
		err = f.ofAccounts(tx).Select("currency, CAST(sum(lines) AS BIGINT) AS lines, CAST(sum(amount) AS BIGINT) AS amount").
			Group("currency").Order("currency").Scan(&sums).Error
	case f.byCell():
		err = f.ofCells(tx).Where("s.lines > 0").Select("p.currency, CAST(sum(s.lines) AS BIGINT) AS lines, CAST(sum(s.amount) AS BIGINT) AS amount").
			Group("p.currency").Order("p.currency").Scan(&sums).Error
	default:
		err = f.ofPayouts(tx).Select("p.currency, CAST(sum(p.lines) AS BIGINT) AS lines, CAST(sum(p.lines_amount) AS BIGINT) AS amount").
			Where("p.lines > 0").Group("p.currency").Order("p.currency").Scan(&sums).Error
	}
	if err != nil {
		return nil, false, fmt.Errorf("add statement lines up: %w", err)
	}
	return sums, partial, nil
}

func linesIn(sums []LineSum) (n int64) {
	for _, s := range sums {
		n += s.Lines
	}
	return n
}

// OpenLines returns how many lines somebody has to look at, by account.
func (s *Service) OpenLines(ctx context.Context) (map[int64]int64, error) {
	var rows []struct{ AccountID, Lines int64 }
	err := s.db.Read(ctx).Table("payout_sums s").Joins("JOIN payouts p ON p.id = s.payout_id").
		Select("p.account_id, CAST(sum(s.lines) AS BIGINT) AS lines").Where("s.match_state IN ('unmatched', 'proposed')"). // as the index has it
		Group("p.account_id").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count open statement lines: %w", err)
	}
	open := map[int64]int64{}
	for _, r := range rows {
		open[r.AccountID] = r.Lines
	}
	return open, nil
}

// byLine tells that lines have to be looked at one by one: payout_sums does not know what
// is asked for.
func (f *LineFilter) byLine() bool { return f.Amount != nil || f.lines != nil }

// byCell tells that a part of a payout's lines is asked for.
func (f *LineFilter) byCell() bool { return f.Type != "" || len(f.Match) > 0 }

// byAccount tells that all payouts are asked for, or all of an account or currency, so that
// line_sums knows what their lines come to.
func (f *LineFilter) byAccount() bool {
	return !f.byLine() && f.PayoutID == 0 && f.payouts == nil && f.From.IsZero() && f.Until.IsZero()
}

func (f *LineFilter) ofAccounts(tx *gorm.DB) *gorm.DB {
	tx = tx.Table("line_sums s").Where("s.lines > 0")
	if f.AccountID != 0 {
		tx = tx.Where("s.account_id = ?", f.AccountID)
	}
	if f.Currency != "" {
		tx = tx.Where("s.currency = ?", f.Currency)
	}
	return f.cellsOnly(tx)
}

func (f *LineFilter) ofPayouts(tx *gorm.DB) *gorm.DB {
	tx = tx.Table("payouts p")
	if f.PayoutID != 0 {
		tx = tx.Where("p.id = ?", f.PayoutID)
	}
	if f.payouts != nil {
		tx = tx.Where("p.id IN ?", f.payouts)
	}
	if f.AccountID != 0 {
		tx = tx.Where("p.account_id = ?", f.AccountID)
	}
	if f.Currency != "" {
		tx = tx.Where("p.currency = ?", f.Currency)
	}
	if !f.From.IsZero() {
		tx = tx.Where("p.payout_date >= ?", f.From)
	}
	if !f.Until.IsZero() {
		tx = tx.Where("p.payout_date < ?", f.Until)
	}
	return tx
}

// ofCells are the cells of payout_sums: lines of one payout, type and match state, which
// stand together in the index statement_lines_cells.
func (f *LineFilter) ofCells(tx *gorm.DB) *gorm.DB {
	return f.cellsOnly(f.ofPayouts(tx).Joins("JOIN payout_sums s ON s.payout_id = p.id"))
}

func (f *LineFilter) cellsOnly(tx *gorm.DB) *gorm.DB {
	if f.Type != "" {
		tx = tx.Where("s.type = ?", f.Type)
	}
	if len(f.Match) > 0 {
		tx = tx.Where("s.match_state IN ?", f.Match)
	}
	return tx
}

func (f *LineFilter) ofLines(tx *gorm.DB, amounts ...int64) *gorm.DB {
	if f.lines != nil {
		tx = tx.Where("l.id IN ?", f.lines)
	}
	if len(amounts) > 0 {
		tx = tx.Where("l.amount IN ?", amounts)
	}
	if f.PayoutID != 0 {
		tx = tx.Where("l.payout_id = ?", f.PayoutID)
	}
	if f.payouts != nil {
		tx = tx.Where("l.payout_id IN ?", f.payouts)
	}
	if f.AccountID != 0 {
		tx = tx.Where("l.account_id = ?", f.AccountID)
	}
	if f.Type != "" {
		tx = tx.Where("l.type = ?", f.Type)
	}
	if len(f.Match) > 0 {
		tx = tx.Where("l.match_state IN ?", f.Match)
	}
	if f.Currency != "" {
		tx = tx.Where("l.currency = ?", f.Currency)
	}
	if !f.From.IsZero() {
		tx = tx.Where("l.payout_date >= ?", f.From)
	}
	if !f.Until.IsZero() {
		tx = tx.Where("l.payout_date < ?", f.Until)
	}
	return tx
}

func (f *LineFilter) amounts() []int64 {
	switch {
	case f.Amount == nil:
		return nil
	case *f.Amount == 0:
		return []int64{0}
	}
	return []int64{*f.Amount, -*f.Amount}
}

// storable tells filters that both databases can be asked.
func (f *LineFilter) storable() bool {
	text := f.Query + string(f.Type) + f.Currency
	for _, m := range f.Match {
		text += string(m)
	}
	return store.Storable(text)
}

// search puts what Query finds into the filter; false if that is nothing. A line of the
// bank's statement finds the lines of payouts. What has no letters and no decimals is
// rather the number of an order.
func (f *LineFilter) search(tx *gorm.DB) (found bool, err error) {
	words := strings.Fields(f.Query)
	if len(words) == 0 || !f.storable() {
		return len(words) == 0 && f.storable(), nil
	}
	var currencies []string
	if err := tx.Table("payouts").Distinct().Pluck("currency", &currencies).Error; err != nil {
		return false, fmt.Errorf("list currencies of payouts: %w", err)
	}
	bank := ReadBankLine(f.Query, currencies, f.Language)
	steps := []func() error{
		func() error { return f.searchPayouts(tx, bank) },
		func() error { return f.searchLines(tx, words[:min(len(words), maxBankWords)]) },
	}
	if bank.either {
		slices.Reverse(steps)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return false, fmt.Errorf("search statement lines: %w", err)
		}
		if len(f.payouts)+len(f.lines) > 0 {
			return true, nil
		}
		f.payouts, f.lines = nil, nil
	}
	return f.searchAmount(bank), nil
}

func (f *LineFilter) searchPayouts(tx *gorm.DB, bank BankLine) error {
	if len(bank.references)+len(bank.amounts) == 0 {
		return nil
	}
	found := bank.apply(tx.Table("payouts"))
	if f.AccountID != 0 {
		found = found.Where("account_id = ?", f.AccountID)
	}
	return found.Order("payout_date DESC, id DESC").Limit(SearchLimit).Pluck("id", &f.payouts).Error
}

// searchLines finds lines by what names an order: exactly, since an order has a few lines
// and a beginning may be that of all orders.
func (f *LineFilter) searchLines(tx *gorm.DB, words []string) error {
	var names []string
	for _, w := range words {
		names = append(names, w, strings.ToUpper(w), strings.ToLower(w))
	}
	const some = "SELECT id FROM (SELECT id FROM statement_lines WHERE "
	var selects []string
	var args []any
	add := func(condition string) {
		selects = append(selects, fmt.Sprintf("%s%s LIMIT %d) found%d", some, condition, SearchLimit, len(selects)))
		args = append(args, names)
	}
	add("klarna_order_id IN ?")
	for _, column := range []string{"short_order_id", "merchant_reference1", "merchant_reference2"} {
		add(column + " <> '' AND " + column + " IN ?") // as the indexes have it
	}
	args = append(args, names)
	add("order_id IN (SELECT id FROM orders WHERE number IN ? UNION SELECT id FROM orders WHERE external_number <> '' AND external_number IN ?)")
	return tx.Raw(strings.Join(selects, " UNION ")+fmt.Sprintf(" LIMIT %d", SearchLimit), args...).Scan(&f.lines).Error
}

// searchAmount takes a lone amount for that of a line.
func (f *LineFilter) searchAmount(bank BankLine) bool {
	if f.Amount != nil || len(bank.amounts) == 0 || len(bank.references) > 0 && !bank.either {
		return false
	}
	f.Amount = &bank.amounts[0].minor
	return true
}
