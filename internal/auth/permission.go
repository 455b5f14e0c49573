package auth

import "slices"

// Role is what a person may do.
type Role string

// The roles.
const (
	Admin      Role = "admin"
	Shipping   Role = "shipping"
	Accounting Role = "accounting"
	Viewer     Role = "viewer"
)

// Roles returns all roles, the one that may do everything first.
func Roles() []Role { return []Role{Admin, Shipping, Accounting, Viewer} }

// Key is the key of the role's name for people.
func (r Role) Key() string { return "auth.role." + string(r) }

// Known reports whether there is such a role.
func (r Role) Known() bool { return slices.Contains(Roles(), r) }

// May reports whether a person with this role may do p.
func (r Role) May(p Permission) bool { return slices.Contains(permitted[p].roles, r) }

// Scope is what a machine may do with its API token.
type Scope string

// The scopes. None contains another, but ScopeAdmin contains all: a client that
// writes orders and reads them back needs both scopes.
const (
	ScopeOrdersRead      Scope = "orders:read"
	ScopeOrdersWrite     Scope = "orders:write"
	ScopeAccountingRead  Scope = "accounting:read"
	ScopeAccountingWrite Scope = "accounting:write"
	ScopeAdmin           Scope = "admin"
)

// AllScopes returns every scope there is.
func AllScopes() []Scope {
	return []Scope{ScopeOrdersRead, ScopeOrdersWrite, ScopeAccountingRead, ScopeAccountingWrite, ScopeAdmin}
}

// Known reports whether there is such a scope.
func (s Scope) Known() bool { return slices.Contains(AllScopes(), s) }

// May reports whether one of the scopes allows p.
func (s Scopes) May(p Permission) bool {
	return slices.ContainsFunc(permitted[p].scopes, func(allowed Scope) bool { return slices.Contains(s, allowed) })
}

// Permission is a group of things that the same people may do. Every route names one.
type Permission string

// The permissions.
const (
	ReadOrders      Permission = "read_orders"      // overview, orders, minidetail, protocol
	ActOrders       Permission = "act_orders"       // order actions, parcels, dispatch, autoship, imports of orders and tracking
	ReadAccounting  Permission = "read_accounting"  // incoming payments, payouts, dunning, exports
	WriteAccounting Permission = "write_accounting" // live import, matching, marking as paid
	ReadSettings    Permission = "read_settings"    // payment methods, business accounts
	Administer      Permission = "administer"       // the same: write, check, resume, force; users, tokens, jobs, log, carriers, company
)

// Permissions returns every permission there is.
func Permissions() []Permission {
	return []Permission{ReadOrders, ActOrders, ReadAccounting, WriteAccounting, ReadSettings, Administer}
}

// permitted is the whole truth about who may do what.
var permitted = map[Permission]struct {
	roles  []Role
	scopes []Scope
}{
	ReadOrders:      {[]Role{Viewer, Shipping, Accounting, Admin}, []Scope{ScopeOrdersRead, ScopeAdmin}},
	ActOrders:       {[]Role{Shipping, Admin}, []Scope{ScopeOrdersWrite, ScopeAdmin}},
	ReadAccounting:  {[]Role{Accounting, Admin}, []Scope{ScopeAccountingRead, ScopeAdmin}},
	WriteAccounting: {[]Role{Accounting, Admin}, []Scope{ScopeAccountingWrite, ScopeAdmin}},
	ReadSettings:    {[]Role{Accounting, Admin}, []Scope{ScopeAdmin}},
	Administer:      {[]Role{Admin}, []Scope{ScopeAdmin}},
}
