package api

import (
	"context"
	"net/http"
	"strconv"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/capture"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
)

// OrderPath names an order in an address.
type OrderPath struct {
	Number string `path:"number" pattern:"^[A-Za-z0-9._-]{1,64}$" doc:"The order's number."`
}

// PagePath says which part of a list is wanted.
type PagePath struct {
	Cursor string `query:"cursor" doc:"next_cursor of the page before; empty for the first."`
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"500"`
}

// before is the id at which the page before ended, 0 for the start.
func (p PagePath) before() (int64, error) {
	if p.Cursor == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(p.Cursor, 10, 64)
	if err != nil || id <= 0 {
		return 0, wrong("query.cursor", "api.error.cursor")
	}
	return id, nil
}

// List is a page of a list.
type List[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor,omitempty" doc:"For the next page; missing at the end."`
}

type orderAnswer struct {
	Status   int
	Location string `header:"Location"`
	Body     Order
}

type createInput struct{ Body OrderInput }

func (s *service) createOrder(ctx context.Context, in *createInput) (*orderAnswer, error) {
	o, created, err := s.create(ctx, &in.Body)
	if err != nil {
		return nil, err
	}
	answer, err := s.show(ctx, o, http.StatusOK)
	if err != nil {
		return nil, err
	}
	answer.Location = prefix + "/orders/" + o.Number
	if created {
		answer.Status = http.StatusCreated
	}
	return answer, nil
}

func (s *service) create(ctx context.Context, in *OrderInput) (o *order.Order, created bool, err error) {
	if err := mayMarkPaid(ctx, in.MarkPaid); err != nil {
		return nil, false, err
	}
	return s.Orders.Create(ctx, in.input(), actor(ctx))
}

// mayMarkPaid keeps what is accounting's business with accounting's tokens.
func mayMarkPaid(ctx context.Context, mark *bool) error {
	if mark == nil {
		return nil
	}
	return need(tokenOf(ctx), auth.WriteAccounting)
}

// show answers with an order as it stands.
func (s *service) show(ctx context.Context, o *order.Order, status int) (*orderAnswer, error) {
	why, err := s.Captures.Why(ctx, o.ID)
	if err != nil {
		return nil, err
	}
	told, err := s.Captures.FindByOrder(ctx, o.ID)
	if err != nil {
		return nil, err
	}
	return &orderAnswer{Status: status, Body: orderOf(ctx, o, why, told)}, nil
}

type listInput struct {
	PagePath
	Feedback      string `query:"feedback" enum:"none,waiting,queued,confirmed,partly_confirmed,failed,by_hand,done_by_hand,skipped"`
	Status        string `query:"status" enum:"draft,released,shipped,completed,cancelled"`
	PaymentMethod string `query:"payment_method" doc:"The type of a payment method."`
	Q             string `query:"q" doc:"Words with which a number, a name, an e-mail address or a tracking number begins."`
}

type listAnswer struct{ Body List[Summary] }

func (s *service) listOrders(ctx context.Context, in *listInput) (*listAnswer, error) {
	filter := order.Filter{Query: in.Q, Status: order.Status(in.Status), Feedback: order.Feedback(in.Feedback), Limit: in.Limit}
	var err error
	if filter.Before, err = in.before(); err != nil {
		return nil, err
	}
	if filter.PaymentMethodID, err = s.methodID(ctx, in.PaymentMethod); err != nil {
		return nil, err
	}
	var f fault.Checker
	f.Line("query.q", in.Q, order.MaxText, false)
	if err := f.Err(); err != nil {
		return nil, err
	}
	page, err := s.Orders.List(ctx, filter)
	if err != nil {
		return nil, err
	}
	why, err := s.whyOf(ctx, page.Orders)
	if err != nil {
		return nil, err
	}
	answer := &listAnswer{Body: List[Summary]{Items: make([]Summary, len(page.Orders))}}
	for i := range page.Orders {
		answer.Body.Items[i] = summaryOf(ctx, &page.Orders[i], why)
	}
	if page.HasOlder {
		answer.Body.NextCursor = strconv.FormatInt(page.Orders[len(page.Orders)-1].ID, 10)
	}
	return answer, nil
}

// methodID finds the payment method of a type; 0 for none asked for.
func (s *service) methodID(ctx context.Context, typ string) (int64, error) {
	if typ == "" {
		return 0, nil
	}
	methods, err := s.Methods.List(ctx)
	if err != nil {
		return 0, err
	}
	for _, m := range methods {
		if m.Type == typ {
			return m.ID, nil
		}
	}
	return 0, wrong("query.payment_method", "order.error.payment_method_unknown", "Type", typ)
}

func (s *service) whyOf(ctx context.Context, orders []order.Order) (map[int64]capture.Why, error) {
	ids := make([]int64, len(orders))
	for i, o := range orders {
		ids[i] = o.ID
	}
	return s.Captures.Why(ctx, ids...)
}

func (s *service) showOrder(ctx context.Context, in *OrderPath) (*orderAnswer, error) {
	o, err := s.Orders.FindByNumber(ctx, in.Number)
	if err != nil {
		return nil, err
	}
	return s.show(ctx, o, http.StatusOK)
}

// OrderChange is what can be changed of an order; what is missing stays.
type OrderChange struct {
	KlarnaOrderID  *string `json:"klarna_order_id,omitempty" doc:"409 while a capture is on its way, or after it was confirmed."`
	ExternalNumber *string `json:"external_number,omitempty"`
	TellKlarna     *bool   `json:"tell_klarna,omitempty"`
	MarkPaid       *bool   `json:"mark_paid,omitempty" doc:"Takes the scope accounting:write, too."`
	Documents      *string `json:"documents,omitempty" enum:"delivery_note,delivery_note_and_invoice,invoice"`
	AutoShip       *bool   `json:"auto_ship,omitempty"`
}

type changeInput struct {
	OrderPath
	Body OrderChange
}

func (s *service) changeOrder(ctx context.Context, in *changeInput) (*orderAnswer, error) {
	if err := mayMarkPaid(ctx, in.Body.MarkPaid); err != nil {
		return nil, err
	}
	return s.act(ctx, in.Number, http.StatusOK, func(id int64) error {
		return s.Dispatch.Amend(ctx, id, dispatch.Amendment(in.Body), actor(ctx))
	})
}

// act does something with the order of a number and answers with the order after it.
func (s *service) act(ctx context.Context, number string, status int, do func(id int64) error) (*orderAnswer, error) {
	o, err := s.Orders.FindByNumber(ctx, number)
	if err != nil {
		return nil, err
	}
	if err := do(o.ID); err != nil {
		return nil, err
	}
	if o, err = s.Orders.Find(ctx, o.ID); err != nil {
		return nil, err
	}
	return s.show(ctx, o, status)
}
