package store_test

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"

	"gorm.io/gorm"

	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

// Many take numbers at the same moment, some give theirs back: the rest is one range
// without gaps and doubles.
func TestNumbersWithoutGapsAndDoubles(t *testing.T) {
	t.Parallel()
	const takers, each = 8, 12
	givenBack := errors.New("given back")
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var mu sync.Mutex
		var kept []int
		take := func(giveBack bool) {
			var number string
			err := db.InTx(t.Context(), func(tx *gorm.DB) (err error) {
				if number, err = store.NextNumber(tx, "delivery_note", 100); err == nil && giveBack {
					err = givenBack
				}
				return err
			})
			if errors.Is(err, givenBack) {
				return
			}
			n, convErr := strconv.Atoi(number)
			if err := errors.Join(err, convErr); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			kept = append(kept, n)
		}
		var wg sync.WaitGroup
		for range takers {
			wg.Go(func() {
				for i := range each {
					take(i%3 == 2)
				}
			})
		}
		wg.Wait()
		slices.Sort(kept)
		for i, n := range kept {
			if n != 100+i {
				t.Fatalf("numbers = %v", kept)
			}
		}
		if len(kept) != takers*each*2/3 {
			t.Errorf("%d numbers", len(kept))
		}
	})
}

func TestNumberRangesAreApart(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		next := func(name string) (number string) {
			if err := db.InTx(t.Context(), func(tx *gorm.DB) (err error) {
				number, err = store.NextNumber(tx, name, 1)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return number
		}
		got := []string{next("a"), next("a"), next("b")}
		if err := db.InTx(t.Context(), func(tx *gorm.DB) error { return store.SkipNumbers(tx, "a", 1000) }); err != nil {
			t.Fatal(err)
		}
		got = append(got, next("a"), next("b"))
		if want := []string{"1", "2", "1", "1003", "2"}; !slices.Equal(got, want) {
			t.Errorf("numbers = %v, want %v", got, want)
		}
	})
}
