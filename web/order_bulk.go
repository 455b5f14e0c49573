package web

import (
	"iter"
	"net/http"

	"zahlwerk/internal/batch"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/views"
)

// postBulk prepares what is to be done with a selection of orders, or with all of the
// view; its preview is where it is started.
func (s *Server) postBulk(r *request) error {
	var in views.BulkForm
	if err := r.Bind(&in); err != nil {
		return err
	}
	b, err := s.prepareBulk(r, in)
	if err != nil {
		status, ok := formStatus(err)
		if !ok {
			return err
		}
		return s.ordersPage(r, status, views.ParseOrderFilter(in.List), func(p *views.OrdersPage) {
			p.Refused = views.Form{Message: message(r, err)}
		})
	}
	return r.Redirect(http.StatusSeeOther, batchPath(b.ID))
}

func (s *Server) prepareBulk(r *request, in views.BulkForm) (*batch.Batch, error) {
	ids, err := s.selected(r, in)
	if err != nil {
		return nil, err
	}
	kinds := map[string]batch.Kind{views.BulkRelease: batch.Release, views.BulkShip: batch.Ship, views.BulkResend: batch.Resend}
	if kind, ok := kinds[in.Action]; ok {
		return s.Dispatch.PrepareBulk(r.ctx(), kind, ids, r.actor())
	}
	if in.Action != views.BulkAutoship {
		return nil, fault.New(fault.Invalid, "bulk.error.action")
	}
	list, err := collect(ids)
	if err != nil {
		return nil, err
	}
	return s.Dispatch.PrepareAutoship(r.ctx(), list, r.actor())
}

// selected are the ids of the orders that were ticked, or of all in the view.
func (s *Server) selected(r *request, in views.BulkForm) (iter.Seq2[int64, error], error) {
	if r.ticked("all", false) {
		filter, err := s.filterOf(r.ctx(), views.ParseOrderFilter(in.List))
		if fault.CodeOf(err) == fault.Invalid {
			return nil, fault.Wrap(err, fault.Invalid, "bulk.error.filter")
		}
		return s.Orders.IDs(r.ctx(), filter), err
	}
	if len(in.IDs) == 0 {
		return nil, fault.New(fault.Invalid, "bulk.error.none")
	}
	return func(yield func(int64, error) bool) {
		for _, id := range in.IDs {
			if !yield(id, nil) {
				return
			}
		}
	}, nil
}

// collect is a selection at once, as far as one batch takes it.
func collect(ids iter.Seq2[int64, error]) ([]int64, error) {
	list := []int64{}
	for id, err := range ids {
		if err != nil {
			return nil, err
		}
		if len(list) == batch.MaxItems {
			return nil, fault.New(fault.TooLarge, "batch.error.too_many", "Max", batch.MaxItems)
		}
		list = append(list, id)
	}
	return list, nil
}

// exportOrders is all orders of a filter as a table.
func (s *Server) exportOrders(r *request) error {
	filter, err := s.filterOf(r.ctx(), views.OrderFilterOf(r.QueryParams()))
	if err != nil {
		return err
	}
	ctx := r.ctx()
	name := i18n.T(ctx, "orders.title") + "-" + views.DayValue(s.Clock.Now()) + ".csv"
	return s.sendCSV(r, name, views.OrderColumns(ctx), func(yield func([][]string, error) bool) {
		for orders, err := range s.Orders.Each(ctx, filter) {
			rows := make([][]string, len(orders))
			for i := range orders {
				rows[i] = views.OrderCells(ctx, &orders[i])
			}
			if !yield(rows, err) {
				return
			}
		}
	})
}
