package views

import (
	"slices"
	"strings"
)

// The roles, as they are kept in the user's row.
const (
	RoleAdmin      = "admin"
	RoleShipping   = "shipping"
	RoleAccounting = "accounting"
	RoleViewer     = "viewer"
)

// navItem is an entry of the main navigation. Hiding an entry is a courtesy to
// people who may not use it; the routes enforce the roles themselves.
type navItem struct {
	key   string // of its text
	href  string
	icon  string
	roles []string // nil: everybody
}

// navGroup is a run of entries, under a heading if it has a key.
type navGroup struct {
	key   string
	items []navItem
}

var navigation = []navGroup{
	{items: []navItem{
		{key: "nav.overview", href: "/", icon: "overview"},
		{key: "nav.orders", href: "/orders", icon: "orders"},
		{key: "nav.dispatch", href: "/dispatch", icon: "truck", roles: []string{RoleAdmin, RoleShipping}},
	}},
	{key: "nav.accounting", items: []navItem{
		{key: "nav.incoming", href: incomingPath, icon: "download", roles: []string{RoleAdmin, RoleAccounting}},
		{key: "nav.payouts", href: payoutsPath, icon: "building", roles: []string{RoleAdmin, RoleAccounting}},
		{key: "nav.exports", href: exportsPath, icon: "document", roles: []string{RoleAdmin, RoleAccounting}},
		{key: "nav.dunning", href: "/accounting/dunning", icon: "coins", roles: []string{RoleAdmin, RoleAccounting}},
	}},
	{key: "nav.administration", items: []navItem{
		{key: "nav.settings", href: "/administration/settings", icon: "settings", roles: []string{RoleAdmin, RoleAccounting}},
		{key: "nav.jobs", href: "/administration/jobs", icon: "clock", roles: []string{RoleAdmin}},
		{key: "nav.users", href: "/administration/users", icon: "users", roles: []string{RoleAdmin}},
		{key: "nav.tokens", href: "/administration/tokens", icon: "key", roles: []string{RoleAdmin}},
		{key: "nav.log", href: "/administration/log", icon: "log", roles: []string{RoleAdmin}},
	}},
}

// groupID is the id of the group's heading.
func groupID(g navGroup) string { return strings.ReplaceAll(g.key, ".", "-") }

// navigationFor returns what a role may go to, without empty groups.
func navigationFor(role string) []navGroup {
	var visible []navGroup
	for _, g := range navigation {
		var items []navItem
		for _, item := range g.items {
			if item.roles == nil || slices.Contains(item.roles, role) {
				items = append(items, item)
			}
		}
		if len(items) > 0 {
			visible = append(visible, navGroup{key: g.key, items: items})
		}
	}
	return visible
}

// current returns the value of aria-current for the page at path: "page" on the
// entry itself, "true" on a page below it, "" elsewhere.
func (n navItem) current(path string) string {
	switch {
	case path == n.href:
		return "page"
	case n.href != "/" && strings.HasPrefix(path, n.href+"/"):
		return "true"
	}
	return ""
}
