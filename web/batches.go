package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"zahlwerk/internal/batch"
	"zahlwerk/internal/i18n"
	"zahlwerk/views"
)

const (
	batchesPath = "/batches"
	batchRows   = 100 // items on a page
	batchesRows = 50  // of the list
)

// batchPath is where a batch is previewed, started and watched: whoever makes one leads
// people there.
func batchPath(id int64) string { return batchesPath + "/" + strconv.FormatInt(id, 10) }

func batchesCrumb(r *request) views.Crumb {
	return views.Crumb{Label: i18n.T(r.ctx(), "batches.title"), Href: batchesPath}
}

func (s *Server) listBatches(r *request) error {
	before := queryID(r, "before")
	list, err := s.Batches.List(r.ctx(), before, batchesRows+1)
	if err != nil {
		return err
	}
	p := views.BatchesPage{Page: s.page(r, i18n.T(r.ctx(), "batches.title")), Batches: list}
	if before != 0 {
		p.Newest = batchesPath
	}
	if len(list) > batchesRows {
		p.Batches = list[:batchesRows]
		p.Older = fmt.Sprintf("%s?before=%d", batchesPath, list[batchesRows-1].ID)
	}
	return s.ok(r, views.Batches(p))
}

func (s *Server) showBatch(r *request) error {
	return s.batchPage(r, http.StatusOK, views.Form{})
}

// batchPage shows the batch of the address, and why something could not be done with it.
func (s *Server) batchPage(r *request, status int, refused views.Form) error {
	id, err := r.pathID("id")
	if err != nil {
		return err
	}
	b, err := s.Batches.Find(r.ctx(), id)
	if err != nil {
		return err
	}
	p := views.BatchPage{Batch: *b, Filter: itemFilter(r), Refused: refused}
	if err := s.batchItems(r, &p); err != nil {
		return err
	}
	r.Response().Header().Add("Vary", "X-Fragment")
	p.URL = r.Request().URL
	if isFragment(r) {
		return s.ok(r, views.BatchBody(p))
	}
	p.Page = s.page(r, views.BatchTitle(r.ctx(), *b), batchesCrumb(r))
	if status != http.StatusOK {
		p.URL = &url.URL{Path: batchPath(id)} // below it there is nothing to read
	}
	return s.render(r, status, views.Batch(p))
}

// itemFilter is the one state of items that is asked for, "" for all.
func itemFilter(r *request) batch.ItemState {
	state := batch.ItemState(r.QueryParam("state"))
	if slices.Contains([]batch.ItemState{batch.Waiting, batch.ItemDone, batch.Unchanged, batch.ItemRefused}, state) {
		return state
	}
	return ""
}

func itemStates(filter batch.ItemState) []batch.ItemState {
	if filter == "" {
		return nil
	}
	return []batch.ItemState{filter}
}

// batchItems reads the part of the items that the address asks for.
func (s *Server) batchItems(r *request, p *views.BatchPage) (err error) {
	after, before, states := queryID(r, "after"), queryID(r, "before"), itemStates(p.Filter)
	var more bool
	if before != 0 {
		p.Items, err = s.Batches.ItemsBefore(r.ctx(), p.Batch.ID, before, batchRows+1, states...)
		if more = len(p.Items) > batchRows; more {
			p.Items = p.Items[1:]
		}
	} else {
		p.Items, err = s.Batches.Items(r.ctx(), p.Batch.ID, after, batchRows+1, states...)
		if more = len(p.Items) > batchRows; more {
			p.Items = p.Items[:batchRows]
		}
	}
	n := len(p.Items)
	if err != nil || n == 0 {
		return err
	}
	turn := func(name string, position int64) string {
		q := url.Values{name: {strconv.FormatInt(position, 10)}}
		if p.Filter != "" {
			q.Set("state", string(p.Filter))
		}
		return batchPath(p.Batch.ID) + "?" + q.Encode()
	}
	if after != 0 || before != 0 && more {
		p.Newer = turn("before", p.Items[0].Position)
	}
	if before != 0 || more {
		p.Older = turn("after", p.Items[n-1].Position)
	}
	return nil
}

// actOnBatch does something with the batch of the address; what is refused is told on
// its page.
func (s *Server) actOnBatch(r *request, do func(ctx context.Context, id int64) error, done string) error {
	id, err := r.pathID("id")
	if err != nil {
		return err
	}
	if err := do(r.ctx(), id); err != nil {
		status, ok := formStatus(err)
		if !ok {
			return err
		}
		return s.batchPage(r, status, views.FormError(r.ctx(), err, ""))
	}
	return s.done(r, batchPath(id), done)
}

func (s *Server) startBatch(r *request) error {
	return s.actOnBatch(r, func(ctx context.Context, id int64) error { return s.Batches.Start(ctx, id, r.actor()) }, "batch.flash.started")
}

func (s *Server) stopBatch(r *request) error {
	return s.actOnBatch(r, s.Batches.Stop, "batch.flash.stopped")
}

func (s *Server) continueBatch(r *request) error {
	return s.actOnBatch(r, s.Batches.Continue, "batch.flash.continued")
}

// discardBatch forgets a preview, or ends a stopped batch where it is.
func (s *Server) discardBatch(r *request) error {
	id, err := r.pathID("id")
	if err != nil {
		return err
	}
	b, err := s.Batches.Find(r.ctx(), id)
	if err != nil {
		return err
	}
	if b.State != batch.Preview {
		return s.actOnBatch(r, s.Batches.Discard, "batch.flash.ended")
	}
	if err := s.Batches.Discard(r.ctx(), id); err != nil {
		status, ok := formStatus(err)
		if !ok {
			return err
		}
		return s.batchPage(r, status, views.FormError(r.ctx(), err, ""))
	}
	return s.done(r, batchesPath, "batch.flash.discarded")
}

// batchResult is what became of the items, as a file.
func (s *Server) batchResult(r *request) error {
	id, err := r.pathID("id")
	if err != nil {
		return err
	}
	b, err := s.Batches.Find(r.ctx(), id)
	if err != nil {
		return err
	}
	ctx := r.ctx()
	header := []string{i18n.T(ctx, "batch.position"), i18n.T(ctx, "batch.label"), i18n.T(ctx, "batch.result"), i18n.T(ctx, "batch.message")}
	return s.sendCSV(r, fmt.Sprintf("%s-%d.csv", b.Kind, b.ID), header, func(yield func([][]string, error) bool) {
		for last := int64(0); ; {
			items, err := s.Batches.Items(ctx, id, last, csvChunk, itemStates(itemFilter(r))...)
			if err != nil || len(items) == 0 {
				if err != nil {
					yield(nil, err)
				}
				return
			}
			rows := make([][]string, len(items))
			for n, i := range items {
				rows[n] = views.BatchResultRow(ctx, *b, i)
			}
			if !yield(rows, nil) {
				return
			}
			last = items[len(items)-1].Position
		}
	})
}
