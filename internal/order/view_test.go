package order_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
)

// users makes two people and returns their ids.
func (s shop) users(t *testing.T) (anna, bert int64) {
	t.Helper()
	for i, id := range []*int64{&anna, &bert} {
		*id = int64(i + 1)
		_, err := s.db.Exec(t.Context(), `INSERT INTO users (id, email, name, role, password_hash, active, created_at)
			VALUES (?, ?, '', 'viewer', '', TRUE, ?)`, *id, fmt.Sprint(*id), now)
		if err != nil {
			t.Fatal(err)
		}
	}
	return anna, bert
}

func viewNames(t *testing.T, s shop, user int64) (names []string) {
	t.Helper()
	views, err := s.ListViews(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range views {
		names = append(names, v.Name+" "+v.Query)
	}
	return names
}

func TestViews(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		anna, bert := s.users(t)
		save := func(user int64, name, query string) *order.View {
			t.Helper()
			v, err := s.CreateView(t.Context(), order.View{UserID: user, Name: name, Query: query})
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		b := save(anna, " Beta ", "status=draft")
		save(anna, "Alpha", "q=a")
		save(bert, "Alpha", "q=b") // a name belongs to a person
		check := func(user int64, want ...string) {
			t.Helper()
			if got := viewNames(t, s, user); !slices.Equal(got, want) {
				t.Errorf("views %q, want %q", got, want)
			}
		}
		check(anna, "Alpha q=a", "Beta status=draft")
		check(bert, "Alpha q=b")

		_, err := s.CreateView(t.Context(), order.View{UserID: anna, Name: "Beta"})
		wantFault(t, err, fault.Invalid, "name orders.view.error.name_taken")
		wantFault(t, s.RenameView(t.Context(), anna, b.ID, "Alpha"), fault.Invalid, "name orders.view.error.name_taken")
		wantFault(t, s.RenameView(t.Context(), bert, b.ID, "Gamma"), fault.NotFound)
		wantFault(t, s.DeleteView(t.Context(), bert, b.ID), fault.NotFound)
		check(anna, "Alpha q=a", "Beta status=draft")

		if err := s.RenameView(t.Context(), anna, b.ID, " Gamma "); err != nil {
			t.Fatal(err)
		}
		check(anna, "Alpha q=a", "Gamma status=draft")
		if err := s.DeleteView(t.Context(), anna, b.ID); err != nil {
			t.Fatal(err)
		}
		check(anna, "Alpha q=a")
		wantFault(t, s.DeleteView(t.Context(), anna, b.ID), fault.NotFound)
	})
}

func TestViewsThatCantBe(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		anna, bert := s.users(t)
		for name, field := range map[string]string{
			"  ": "name error.required",
			strings.Repeat("ä", order.MaxViewName+1): "name error.too_long",
			"a\tb":  "name error.control_characters",
			"a\xff": "name error.control_characters",
		} {
			_, err := s.CreateView(t.Context(), order.View{UserID: anna, Name: name})
			wantFault(t, err, fault.Invalid, field)
			wantFault(t, s.RenameView(t.Context(), anna, 1, name), fault.Invalid, field)
		}
		_, err := s.CreateView(t.Context(), order.View{UserID: anna, Name: "long", Query: strings.Repeat("q", order.MaxViewQuery+1)})
		wantFault(t, err, fault.Invalid, "name orders.view.error.query")
		for n := range order.MaxViews {
			if _, err := s.CreateView(t.Context(), order.View{UserID: anna, Name: strings.Repeat("ä", order.MaxViewName-2) + fmt.Sprint(n)}); err != nil {
				t.Fatal(err)
			}
		}
		_, err = s.CreateView(t.Context(), order.View{UserID: anna, Name: "one more"})
		wantFault(t, err, fault.Conflict)
		if _, err := s.CreateView(t.Context(), order.View{UserID: bert, Name: "his first"}); err != nil {
			t.Error(err)
		}
	})
}
