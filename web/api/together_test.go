package api_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"zahlwerk/internal/klarna"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

// together does the same n times at the same moment and returns the statuses, sorted.
func together(n int, do func(i int) answer) []int {
	statuses := make([]int, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			statuses[i] = do(i).status
		})
	}
	close(start)
	all.Wait()
	slices.Sort(statuses)
	return statuses
}

func TestTheSameParcelAtTheSameMoment(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := openOn(t, db, klarna.Options{})
		h.post("/orders", posted("1")).expect(t, 201)
		got := together(8, func(int) answer { return h.post("/orders/1/parcels", parcel) })
		if want := []int{200, 200, 200, 200, 200, 200, 200, 201}; !slices.Equal(got, want) {
			t.Errorf("statuses %v", got)
		}
		h.get("/orders/1").expect(t, 200).is(t, document{"delivery_notes.1": nil, "delivery_notes.0.parcels.1": nil, "delivery_notes.0.capture.state": "pending"})
		var captures int64
		must(t, db.Read(t.Context()).Table("captures").Count(&captures).Error)
		if captures != 1 {
			t.Errorf("%d captures", captures)
		}
	})
}

func TestDifferentParcelsAtTheSameMoment(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := openOn(t, db, klarna.Options{})
		h.post("/orders", posted("1")).expect(t, 201)
		got := together(6, func(i int) answer {
			return h.post("/orders/1/parcels", fmt.Sprintf(`{"carrier":"dhl","tracking_number":"T-%d"}`, i))
		})
		if want := []int{201, 201, 201, 201, 201, 201}; !slices.Equal(got, want) {
			t.Errorf("statuses %v", got)
		}
		a := h.get("/orders/1").expect(t, 200)
		if n := len(a.list("delivery_notes", 0, "parcels")); n != 6 || a.at("delivery_notes", 1) != nil {
			t.Errorf("%d parcels: %s", n, a.raw)
		}
	})
}

func TestTheSameOrderAtTheSameMoment(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := openOn(t, db, klarna.Options{})
		got := together(6, func(int) answer { return h.post("/orders", posted("1")) })
		if want := []int{200, 200, 200, 200, 200, 201}; !slices.Equal(got, want) {
			t.Errorf("the same: %v", got)
		}
		got = together(4, func(i int) answer { return h.post("/orders", posted("2", "customer.name", fmt.Sprint("Max ", i))) })
		if want := []int{201, 409, 409, 409}; !slices.Equal(got, want) {
			t.Errorf("other content: %v", got)
		}
		got = together(4, func(i int) answer {
			return h.post("/orders", posted(fmt.Sprint("klarna-", i), "klarna_order_id", klarnaID("shared")))
		})
		if want := []int{201, 409, 409, 409}; !slices.Equal(got, want) {
			t.Errorf("the same id at Klarna: %v", got)
		}
		if got := len(h.get("/orders").list("items")); got != 3 {
			t.Errorf("%d orders", got)
		}
	})
}
