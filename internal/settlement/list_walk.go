package settlement

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/klarna"
	"zahlwerk/internal/store"
)

// walk gathers the lines of a page. Payouts are what is walked: payout_sums tells which
// of them have how many lines of those that are asked for, so that however few those are
// among millions, no other line is looked at.
type walk struct {
	tx      *gorm.DB
	f       LineFilter
	from    *linePlace // nil: from the beginning
	missing int        // lines to the page, and one more
	ids     []int64
}

// linePlace is where a line stands.
type linePlace struct {
	at           time.Time
	payoutID, id int64
}

// order is how the walk compares and sorts: newest first, or back.
func (w *walk) order() (compare, direction string) {
	if w.f.back() {
		return ">", ""
	}
	return "<", " DESC"
}

// start finds the place from which the page goes on. Where its line is gone by now, its
// payout is, too.
func (w *walk) start() error {
	c := w.f.After
	if w.f.back() {
		c = w.f.Before
	}
	if c == (Cursor{}) {
		return nil
	}
	w.from = &linePlace{at: c.at, id: c.id}
	err := w.tx.Table("statement_lines").Select("payout_id").Where("id = ?", c.id).Take(&w.from.payoutID).Error
	if err != nil && !store.IsNotFound(err) {
		return fmt.Errorf("find a place among statement lines: %w", err)
	}
	return nil
}

func (w *walk) add(ids []int64) {
	w.ids = append(w.ids, ids...)
	w.missing -= len(ids)
}

// byPayout takes the rest of the payout in which the walk begins, the whole of those that
// follow, and the beginning of the last.
func (w *walk) byPayout() error {
	if w.from != nil && w.from.payoutID != 0 {
		rest, err := w.inPayout(w.from.payoutID, w.from.id)
		if err != nil {
			return err
		}
		w.add(rest)
	}
	if w.missing == 0 {
		return nil
	}
	payouts, err := w.payouts()
	if err != nil {
		return err
	}
	var whole []int64
	missing := int64(w.missing)
	for _, p := range payouts {
		if missing -= p.Lines; missing <= 0 {
			missing += p.Lines
			w.missing = int(missing)
			some, err := w.inPayout(p.ID, 0)
			if err != nil {
				return err
			}
			w.add(some)
			break
		}
		whole = append(whole, p.ID)
	}
	if len(whole) == 0 {
		return nil
	}
	var all []int64
	err = w.f.ofCells(w.tx).Where("p.id IN ?", whole).
		Joins("CROSS JOIN statement_lines l"). // SQLite takes that for the order in which to look
		Where("l.payout_id = s.payout_id AND l.type = s.type AND l.match_state = s.match_state").
		Pluck("l.id", &all).Error
	w.ids = append(w.ids, all...)
	return err
}

// payouts are the next ones that have lines of those that are asked for, and how many.
func (w *walk) payouts() (found []struct{ ID, Lines int64 }, err error) {
	var tx *gorm.DB
	if w.f.byCell() {
		// Asked payout by payout, so that nobody looks further than the page goes.
		cells := w.f.cellsOnly(w.tx.Table("payout_sums s").Where("s.payout_id = p.id AND s.lines > 0")).Session(&gorm.Session{})
		tx = w.f.ofPayouts(w.tx).Select("p.id, (?) AS lines", cells.Select("CAST(sum(s.lines) AS BIGINT)")).Where("EXISTS (?)", cells.Select("1"))
	} else {
		tx = w.f.ofPayouts(w.tx).Select("p.id, p.lines").Where("p.lines > 0")
	}
	compare, direction := w.order()
	if w.from != nil {
		tx = tx.Where("(p.payout_date, p.id) "+compare+" (?, ?)", w.from.at, w.from.payoutID)
	}
	err = tx.Order("p.payout_date" + direction + ", p.id" + direction).Limit(w.missing).Scan(&found).Error
	return found, err
}

// cells are how many parts of a payout one query asks for.
const cells = 50

// inPayout returns the ids of the next lines of a payout, after the line from (0: from
// its beginning): the first ones of each of its cells, and of them the first.
func (w *walk) inPayout(payoutID, from int64) ([]int64, error) {
	var parts []struct {
		Type       klarna.TransactionType
		MatchState MatchState
	}
	err := w.f.ofCells(w.tx).Where("p.id = ?", payoutID).Select("s.type, s.match_state").Order("s.type, s.match_state").Scan(&parts).Error
	if err != nil {
		return nil, err
	}
	compare, direction := w.order()
	part := "SELECT id FROM (SELECT id FROM statement_lines WHERE payout_id = ? AND type = ? AND match_state = ?"
	if from != 0 {
		part += " AND id " + compare + " ?"
	}
	part += " ORDER BY id" + direction + " LIMIT ?) part"
	var ids []int64
	for some := range slices.Chunk(parts, cells) {
		var args []any
		for _, p := range some {
			args = append(args, payoutID, p.Type, p.MatchState)
			if from != 0 {
				args = append(args, from)
			}
			args = append(args, w.missing)
		}
		query := strings.TrimSuffix(strings.Repeat(part+" UNION ALL ", len(some)), " UNION ALL ")
		var of []int64
		if err := w.tx.Raw(query, args...).Scan(&of).Error; err != nil {
			return nil, err
		}
		ids = append(ids, of...)
	}
	slices.Sort(ids)
	if !w.f.back() {
		slices.Reverse(ids)
	}
	return ids[:min(len(ids), w.missing)], nil
}

// byLine takes the next lines of those that have an amount, or that a search has found.
func (w *walk) byLine() error {
	amounts := w.f.amounts()
	if len(amounts) == 0 {
		return w.linesOf()
	}
	for _, a := range amounts { // one after the other, each in the order of its index
		if err := w.linesOf(a); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) linesOf(amounts ...int64) error {
	tx := w.f.ofLines(w.tx.Table("statement_lines l").Joins("JOIN payouts p ON p.id = l.payout_id"), amounts...)
	if w.from != nil {
		compare, _ := w.order()
		tx = tx.Where("(l.payout_date, l.payout_id, l.id) "+compare+" (?, ?, ?)", w.from.at, w.from.payoutID, w.from.id)
	}
	var ids []int64
	err := w.sorted(tx).Limit(w.missing).Pluck("l.id", &ids).Error
	w.ids = append(w.ids, ids...)
	return err
}

func (w *walk) sorted(tx *gorm.DB) *gorm.DB {
	_, direction := w.order()
	return tx.Order("l.payout_date" + direction + ", l.payout_id" + direction + ", l.id" + direction)
}

// read returns the lines of the page, and one more.
func (w *walk) read() ([]Line, error) {
	var lines []Line
	err := w.sorted(lineRows(w.tx)).Where("l.id IN ?", w.ids).Limit(w.f.limit() + 1).Scan(&lines).Error
	return lines, wrap("read statement lines", err)
}
