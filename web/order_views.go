package web

import (
	"context"

	"zahlwerk/internal/order"
	"zahlwerk/views"
)

func (s *Server) saveView(r *request) error {
	return s.actOnView(r, 0, func(ctx context.Context, in views.ViewForm) error {
		_, err := s.Orders.CreateView(ctx, order.View{UserID: r.user.ID, Name: in.Name, Query: views.ParseOrderFilter(in.List).Encode()})
		return err
	}, "orders.view.saved")
}

func (s *Server) renameView(r *request) error {
	id, err := r.pathID("id")
	if err != nil {
		return err
	}
	return s.actOnView(r, id, func(ctx context.Context, in views.ViewForm) error {
		return s.Orders.RenameView(ctx, r.user.ID, id, in.Name)
	}, "orders.view.renamed")
}

func (s *Server) deleteView(r *request) error {
	id, err := r.pathID("id")
	if err != nil {
		return err
	}
	return s.actOnView(r, id, func(ctx context.Context, _ views.ViewForm) error {
		return s.Orders.DeleteView(ctx, r.user.ID, id)
	}, "orders.view.deleted")
}

// actOnView does something with one of the person's views and comes back to the list
// that it was asked for on. of is the view that is renamed, if any.
func (s *Server) actOnView(r *request, of int64, do func(ctx context.Context, in views.ViewForm) error, done string) error {
	var in views.ViewForm
	if err := r.Bind(&in); err != nil {
		return err
	}
	filter := views.ParseOrderFilter(in.List)
	if err := do(r.ctx(), in); err != nil {
		status, ok := formStatus(err)
		if !ok {
			return err
		}
		return s.ordersPage(r, status, filter, func(p *views.OrdersPage) {
			in.Of, in.Form = of, views.FormError(r.ctx(), err, "orders.view.")
			p.Naming = in
		})
	}
	return s.done(r, views.OrdersHref(filter.Encode()), done)
}
