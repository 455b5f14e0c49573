package auth_test

import (
	"slices"
	"strings"
	"testing"

	"zahlwerk/internal/auth"
)

// The table of roles and scopes, written down once more: + may, . may not.
const oracle = `
                  viewer shipping accounting admin | orders:read orders:write accounting:read accounting:write admin
read_orders       +      +        +          +     | +           .            .               .                +
act_orders        .      +        .          +     | .           +            .               .                +
read_accounting   .      .        +          +     | .           .            +               .                +
write_accounting  .      .        +          +     | .           .            .               +                +
read_settings     .      .        +          +     | .           .            .               .                +
administer        .      .        .          +     | .           .            .               .                +`

func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	lines := strings.Split(strings.TrimSpace(oracle), "\n")
	head := strings.Fields(lines[0])
	var seen []auth.Permission
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		p := auth.Permission(cells[0])
		seen = append(seen, p)
		machine := false
		for i, who := range head {
			if who == "|" {
				machine = true
				continue
			}
			may := auth.Role(who).May(p)
			if machine {
				may = auth.Scopes{auth.Scope(who)}.May(p)
			}
			if want := cells[i+1] == "+"; may != want {
				t.Errorf("%s may %s: %t, want %t", who, p, may, want)
			}
		}
	}
	if !slices.Equal(seen, auth.Permissions()) {
		t.Errorf("the table has %v, there are %v", seen, auth.Permissions())
	}
	if len(head) != len(auth.Roles())+1+len(auth.AllScopes()) {
		t.Error("the table lacks a role or a scope")
	}
}

func TestNobodyMayWithoutRoleOrScope(t *testing.T) {
	t.Parallel()
	for _, p := range append(auth.Permissions(), "", "unknown") {
		for _, r := range []auth.Role{"", "root", "Admin"} {
			if r.May(p) || r.Known() {
				t.Errorf("role %q may %s", r, p)
			}
		}
		for _, s := range []auth.Scopes{nil, {}, {""}, {"orders"}, {"orders:*"}} {
			if s.May(p) {
				t.Errorf("scopes %q may %s", s, p)
			}
		}
		if (auth.User{Role: auth.Admin}).May(p) {
			t.Errorf("somebody who is not active may %s", p)
		}
	}
	if auth.Admin.May("unknown") || (auth.Scopes{auth.ScopeAdmin}).May("") {
		t.Error("an admin may what there is not")
	}
	if !(auth.User{Role: auth.Viewer, Active: true}).May(auth.ReadOrders) {
		t.Error("an active viewer may not read orders")
	}
}

func TestScopesAddUp(t *testing.T) {
	t.Parallel()
	s := auth.Scopes{auth.ScopeOrdersRead, auth.ScopeOrdersWrite}
	if !s.May(auth.ReadOrders) || !s.May(auth.ActOrders) || s.May(auth.ReadAccounting) {
		t.Errorf("%s: wrong permissions", s)
	}
}

func TestRolesHaveNames(t *testing.T) {
	t.Parallel()
	for _, r := range auth.Roles() {
		checkText(t, r.Key(), nil)
	}
}
