package dispatch

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// Obstacle is why autoship (Autoversand) leaves an order alone.
type Obstacle string

// The obstacles, in the order in which they are looked for: of several a person is told
// the first.
const (
	NoObstacle          Obstacle = ""
	ObstacleCancelled   Obstacle = "cancelled"
	ObstacleNotReleased Obstacle = "not_released"
	ObstacleLeft        Obstacle = "left"
	ObstacleHasNote     Obstacle = "has_delivery_note"
	ObstacleInvoiced    Obstacle = "invoiced" // and an invoice is all that was to be made
	ObstacleNotWanted   Obstacle = "not_for_autoship"
	ObstacleNotPaid     Obstacle = "payment_missing"
	// What would keep Klarna from paying once the parcel has left, as far as it is known
	// without asking Klarna.
	ObstacleExpired         Obstacle = "order_expired"
	ObstacleMethodInactive  Obstacle = "method_inactive"
	ObstacleNoCredentials   Obstacle = "no_credentials"
	ObstacleNoKlarnaOrderID Obstacle = "no_klarna_order_id"

	ObstacleNothingToShip    Obstacle = "nothing_to_ship"
	ObstacleNothingToInvoice Obstacle = "nothing_to_invoice"
)

// readiness is what autoship has to know of an order besides its row.
type readiness struct {
	OrderID  int64
	Noted    bool // it has a delivery note that was not taken back
	Invoiced bool
	Goods    bool // it has lines that are delivered
}

// makes are the documents that autoship makes for an order: what the order says, and no
// invoice over nothing.
func makes(o *order.Order) (note, invoice bool) {
	return o.Documents != paymentmethod.InvoiceOnly, o.Documents != paymentmethod.DeliveryNoteOnly && o.Total > 0
}

// obstacle is the first reason why autoship can't take an order. Nobody is asked for a
// pause after an edit: every change is one transaction under the order's lock, so that
// there are no half edited orders.
func obstacle(o *order.Order, r readiness, now time.Time) Obstacle {
	note, invoice := makes(o)
	switch {
	case o.Status == order.Cancelled:
		return ObstacleCancelled
	case o.Status == order.Draft:
		return ObstacleNotReleased
	case o.Status != order.Released:
		return ObstacleLeft
	case r.Noted:
		return ObstacleHasNote
	case !note && r.Invoiced:
		return ObstacleInvoiced
	case !o.AutoShip:
		return ObstacleNotWanted
	case !o.Paid():
		return ObstacleNotPaid
	}
	if ob := klarnaObstacle(o, now); ob != NoObstacle {
		return ob
	}
	switch {
	case note && !r.Goods:
		return ObstacleNothingToShip
	case !note && !invoice:
		return ObstacleNothingToInvoice
	}
	return NoObstacle
}

func klarnaObstacle(o *order.Order, now time.Time) Obstacle {
	m := &o.PaymentMethod
	if !o.IsKlarna() || !o.TellKlarna {
		return NoObstacle
	}
	switch {
	case o.PaidAt == nil && o.ExpiresAt != nil && !o.ExpiresAt.After(now): // what is paid needs no authorisation
		return ObstacleExpired
	case !m.Connected():
		return NoObstacle
	case !m.Active:
		return ObstacleMethodInactive
	case !m.HasCredentials():
		return ObstacleNoCredentials
	case o.KlarnaOrderID == "":
		return ObstacleNoKlarnaOrderID
	}
	return NoObstacle
}

// canGo is obstacle in SQL, for released orders that have no delivery note: true where
// there is none. Its ? is the present time. A test holds the two together.
const canGo = `(orders.auto_ship
	AND (orders.behaves_like <> 'prepayment' OR orders.mark_paid OR orders.paid_at IS NOT NULL)
	AND NOT (m.module = 'klarna' AND orders.tell_klarna AND (
		(orders.paid_at IS NULL AND orders.expires_at IS NOT NULL AND orders.expires_at <= ?)
		OR (m.connection = 'api' AND (NOT m.active OR coalesce(length(m.username), 0) = 0
			OR coalesce(length(m.password), 0) = 0 OR orders.klarna_order_id = ''))))
	AND CASE WHEN orders.documents = 'invoice'
		THEN orders.total > 0 AND NOT EXISTS (SELECT 1 FROM invoices i WHERE i.order_id = orders.id)
		ELSE EXISTS (SELECT 1 FROM order_lines l WHERE l.order_id = orders.id AND l.type IN ('physical', 'digital')) END)`

// Candidate is an order as autoship sees it.
type Candidate struct {
	Order    order.Order // with its payment method
	Obstacle Obstacle
}

// Candidates is one page of candidates; Next is the cursor of the following one, 0 at
// the end.
type Candidates struct {
	Candidates []Candidate
	Next       int64
}

// Readiness says which candidates a list shows.
type Readiness string

// The lists.
const (
	Ready   Readiness = "ready"
	Blocked Readiness = "blocked"
)

// candidates restricts orders to those that autoship looks at: released, without a
// delivery note.
func candidates(tx *gorm.DB, which Readiness, now time.Time) *gorm.DB {
	tx = tx.Model(&order.Order{}).Joins("JOIN payment_methods m ON m.id = orders.payment_method_id").
		Where("orders.status = ?", order.Released).
		Where("NOT EXISTS (SELECT 1 FROM delivery_notes n WHERE n.order_id = orders.id AND n.withdrawn_at IS NULL)")
	switch which {
	case Ready:
		return tx.Where(canGo, now)
	case Blocked:
		return tx.Where("NOT "+canGo, now)
	}
	return tx
}

// ListCandidates returns released orders that have no delivery note yet, oldest first,
// after the cursor: those that can go, or those that can't.
func (s *Service) ListCandidates(ctx context.Context, which Readiness, after int64, limit int) (Candidates, error) {
	var orders []order.Order
	err := candidates(s.db.Read(ctx), which, s.clock.Now()).Preload("PaymentMethod").
		Where("orders.id > ?", after).Order("orders.id").Limit(limit + 1).Find(&orders).Error
	if err != nil {
		return Candidates{}, fmt.Errorf("list the candidates of autoship: %w", err)
	}
	var page Candidates
	if len(orders) > limit {
		orders = orders[:limit]
		page.Next = orders[limit-1].ID
	}
	page.Candidates, err = s.judge(ctx, orders)
	return page, err
}

// CountCandidates returns how many orders can go and how many can't, each counted up to
// order.CountLimit.
func (s *Service) CountCandidates(ctx context.Context) (ready, blocked int, err error) {
	for which, n := range map[Readiness]*int{Ready: &ready, Blocked: &blocked} {
		found := candidates(s.db.Read(ctx), which, s.clock.Now()).Select("orders.id").Limit(order.CountLimit)
		if err := s.db.Read(ctx).Raw("SELECT count(*) FROM (?) found", found).Scan(n).Error; err != nil {
			return 0, 0, fmt.Errorf("count the candidates of autoship: %w", err)
		}
	}
	return ready, blocked, nil
}

// candidatesOf returns these orders, whatever their state, by their ids. Those that do
// not exist are missing.
func (s *Service) candidatesOf(ctx context.Context, ids []int64) (map[int64]Candidate, error) {
	var orders []order.Order
	if err := s.db.Read(ctx).Preload("PaymentMethod").Where("id IN ?", ids).Find(&orders).Error; err != nil {
		return nil, fmt.Errorf("read orders for autoship: %w", err)
	}
	judged, err := s.judge(ctx, orders)
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]Candidate, len(judged))
	for _, c := range judged {
		byID[c.Order.ID] = c
	}
	return byID, nil
}

// judge looks for what is in the way of orders, which have their payment methods.
func (s *Service) judge(ctx context.Context, orders []order.Order) ([]Candidate, error) {
	ids := make([]int64, len(orders))
	for i := range orders {
		ids[i] = orders[i].ID
	}
	ready, err := readinessOf(s.db.Read(ctx), ids)
	if err != nil {
		return nil, err
	}
	now := s.clock.Now()
	judged := make([]Candidate, len(orders))
	for i, o := range orders {
		judged[i] = Candidate{Order: o, Obstacle: obstacle(&o, ready[o.ID], now)}
	}
	return judged, nil
}

// readinessOf reads the readiness of orders by their ids.
func readinessOf(tx *gorm.DB, ids []int64) (map[int64]readiness, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []readiness
	err := tx.Raw(`SELECT o.id AS order_id,
		EXISTS (SELECT 1 FROM delivery_notes n WHERE n.order_id = o.id AND n.withdrawn_at IS NULL) AS noted,
		EXISTS (SELECT 1 FROM invoices i WHERE i.order_id = o.id) AS invoiced,
		EXISTS (SELECT 1 FROM order_lines l WHERE l.order_id = o.id AND l.type IN (?, ?)) AS goods
		FROM orders o WHERE o.id IN ?`, order.Physical, order.Digital, ids).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read what autoship has to know: %w", err)
	}
	byID := make(map[int64]readiness, len(rows))
	for _, r := range rows {
		byID[r.OrderID] = r
	}
	return byID, nil
}
