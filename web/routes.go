package web

import (
	"net/http"

	"zahlwerk/internal/auth"
)

// access says who may use a route: everybody, whoever is logged in, or whoever has a
// permission.
type access struct {
	public     bool
	permission auth.Permission // "" with public false: whoever is logged in
}

var (
	public   = access{public: true}
	loggedIn = access{}
)

func may(p auth.Permission) access { return access{permission: p} }

// route is a line of the route table.
type route struct {
	method, path string
	access       access
	handler      handler
}

const (
	get  = http.MethodGet
	post = http.MethodPost
)

// routes is every address there is, in one place. The test of roles walks it.
func (s *Server) routes() []route {
	var (
		read     = may(auth.ReadOrders)
		act      = may(auth.ActOrders)
		money    = may(auth.WriteAccounting)
		settings = may(auth.ReadSettings)
		admin    = may(auth.Administer)
	)
	return []route{
		{get, "/healthz", public, s.health},
		{get, "/readyz", public, s.ready},
		{get, "/static/*", public, s.static},
		{get, "/login", public, s.showLogIn},
		{post, "/login", public, s.logIn},
		{post, "/logout", public, s.logOut},
		{get, "/setup", public, s.showSetUp},
		{post, "/setup", public, s.setUp},
		{post, "/preferences", public, s.setPreferences},
		{get, "/account", loggedIn, s.showAccount},
		{post, "/account/password", loggedIn, s.changePassword},

		{get, "/", read, s.showOverview},
		{get, "/orders", read, s.listOrders},
		{get, "/orders/new", act, s.newOrder},
		{post, "/orders/new", act, s.createOrder},
		{get, "/orders/:id", read, s.showOrder},
		{get, "/orders/:id/minidetail", read, s.showMinidetail},
		{post, "/orders/:id/parcels", act, s.postParcel},
		{post, "/orders/:id/parcels/:parcel/remove", act, s.removeParcel},
		{post, "/orders/:id/delivery-notes", act, s.postDeliveryNote},
		{post, "/orders/:id/ship", act, s.ship},
		{post, "/orders/:id/done-by-hand", act, s.doneByHand},
		{post, "/orders/:id/undo-done-by-hand", act, s.undoDoneByHand},
		{post, "/orders/:id/release", act, s.release},
		{post, "/orders/:id/resend", act, s.resend},
		{post, "/orders/:id/cancel", act, s.cancel},
		{post, "/orders/:id/uncancel", act, s.uncancel},
		{post, "/orders/:id/dont-tell", act, s.dontTell},
		{post, "/orders/:id/undo-dont-tell", act, s.undoDontTell},
		{post, "/orders/:id/read-at-klarna", act, s.readAtKlarna},
		{post, "/orders/:id/amend", act, s.amendOrder},
		{post, "/orders/:id/mark-paid", money, s.markPaid},

		{get, "/dispatch", act, s.showDispatch},
		{get, "/dispatch/:note", act, s.showDispatchNote},

		{get, "/administration/settings", settings, s.showSettings},
		{get, "/administration/settings/payment-methods", settings, s.listPaymentMethods},
		{get, "/administration/settings/payment-methods/new", admin, s.newPaymentMethod},
		{post, "/administration/settings/payment-methods/new", admin, s.createPaymentMethod},
		{get, "/administration/settings/payment-methods/:id", settings, s.showPaymentMethod},
		{post, "/administration/settings/payment-methods/:id", admin, s.updatePaymentMethod},
		{post, "/administration/settings/payment-methods/:id/check", admin, s.checkPaymentMethod},
		{post, "/administration/settings/payment-methods/:id/resume", admin, s.resumePaymentMethod},

		{get, "/administration/users", admin, s.listUsers},
		{get, "/administration/users/new", admin, s.newUser},
		{post, "/administration/users/new", admin, s.createUser},
		{get, "/administration/users/:id", admin, s.showUser},
		{post, "/administration/users/:id", admin, s.updateUser},
		{post, "/administration/users/:id/password", admin, s.setUserPassword},
		{post, "/administration/users/:id/end-sessions", admin, s.endUserSessions},
		{get, "/administration/tokens", admin, s.listTokens},
		{post, "/administration/tokens", admin, s.createToken},
		{post, "/administration/tokens/:id/revoke", admin, s.revokeToken},
		{get, "/administration/log", admin, s.showLog},
		{get, "/administration/jobs", admin, s.showJobs},
	}
}
