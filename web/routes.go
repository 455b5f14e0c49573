package web

import (
	"net/http"

	"zahlwerk/internal/auth"
)

// access says who may use a route: everybody, whoever is logged in, or whoever has a
// permission; and how much they may send.
type access struct {
	public     bool
	permission auth.Permission // "" with public false: whoever is logged in
	body       int64           // bytes; 0: maxBody
}

// upTo lets a route take files.
func (a access) upTo(bytes int64) access {
	a.body = bytes
	return a
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
		books    = may(auth.ReadAccounting)
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
		{get, "/orders/import", act, s.newOrderImport},
		{post, "/orders/import", act.upTo(maxUpload), s.createOrderImport},
		{get, "/orders/import/template.csv", act, s.orderTemplate},
		{get, "/orders/:id", read, s.showOrder},
		{get, "/orders/:id/minidetail", read, s.showMinidetail},
		{get, "/orders/export.csv", read, s.exportOrders},
		{post, "/orders/bulk", act, s.postBulk},
		{post, "/orders/views", read, s.saveView},
		{post, "/orders/views/:id/rename", read, s.renameView},
		{post, "/orders/views/:id/delete", read, s.deleteView},
		{post, "/orders/:id/parcels", act, s.postParcel},
		{post, "/orders/:id/parcels/:parcel/remove", act, s.removeParcel},
		{post, "/orders/:id/delivery-notes", act, s.postDeliveryNote},
		{get, "/orders/:id/invoice.pdf", read, s.invoicePDF},
		{post, "/orders/:id/invoice", act, s.makeInvoice},
		{post, "/orders/:id/ship", act, s.ship},
		{post, "/orders/:id/undo-ship", act, s.undoShip},
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
		{post, "/orders/:id/payment", money, s.bookPayment},
		{post, "/orders/:id/undo-payment", money, s.undoPayment},

		{get, "/autoship", act, s.showAutoship},
		{post, "/autoship", act, s.runAutoship},
		{get, "/autoship/schedule", act, s.showSchedule},
		{post, "/autoship/schedule", admin, s.setSchedule},

		{get, "/batches", act, s.listBatches},
		{get, "/batches/:id", act, s.showBatch},
		{get, "/batches/:id/result.csv", act, s.batchResult},
		{get, "/batches/:id/papers", act, s.showRunPapers},
		{get, "/batches/:id/print.pdf", act, s.printRun},
		{post, "/batches/:id/start", act, s.startBatch},
		{post, "/batches/:id/stop", act, s.stopBatch},
		{post, "/batches/:id/continue", act, s.continueBatch},
		{post, "/batches/:id/discard", act, s.discardBatch},

		{get, "/dispatch", act, s.showDispatch},
		{get, "/dispatch/import", act, s.newTrackingImport},
		{post, "/dispatch/import", act.upTo(maxUpload), s.createTrackingImport},
		{get, "/dispatch/import/:id", act, s.showTrackingMapping},
		{post, "/dispatch/import/:id", act, s.importTracking},
		{get, "/dispatch/recognise", act, s.recogniseCarrier},
		{get, "/dispatch/pick-list.pdf", act, s.pickListPDF},
		{get, "/dispatch/print.pdf", act, s.printPDF},
		{get, "/dispatch/:note", act, s.showDispatchNote},
		{get, "/dispatch/:note/delivery-note.pdf", act, s.deliveryNotePDF},
		{get, "/dispatch/:note/label.pdf", act, s.labelPDF},
		{post, "/dispatch/:note", act, s.changeDispatchNote},
		{post, "/dispatch/:note/withdraw", act, s.withdrawDispatchNote},

		{get, "/accounting/incoming-payments", books, s.listIncomingPayments},
		{get, "/accounting/incoming-payments/:account", books, s.showIncomingPayments},
		{get, "/accounting/incoming-payments/:account/lines.csv", books, s.exportStatementLines},
		{get, "/accounting/incoming-payments/:account/file", books, s.newSettlementFile},
		{post, "/accounting/incoming-payments/:account/file", money.upTo(maxReport), s.readSettlementFile},
		{get, "/accounting/incoming-payments/:account/file/:run", books, s.showSettlementFile},
		{post, "/accounting/incoming-payments/:account/file/:run/start", money, s.startSettlementFile},
		{post, "/accounting/incoming-payments/:account/file/:run/discard", money, s.discardSettlementFile},
		{get, "/accounting/statement-lines/:id", books, s.showStatementLine},
		{post, "/accounting/statement-lines/:id/match", money, s.matchLine},
		{post, "/accounting/statement-lines/:id/unmatch", money, s.unmatchLine},
		{post, "/accounting/statement-lines/:id/reject", money, s.rejectLine},
		{get, "/accounting/import-runs/:id", books, s.showImportRun},
		{post, "/accounting/import-runs/:id/stop", money, s.stopImport},
		{post, "/accounting/import-runs/:id/continue", money, s.continueImport},
		{post, "/accounting/import-runs/:id/undo", money, s.undoImport},
		{get, "/accounting/payouts", books, s.listPayouts},
		{get, "/accounting/payouts/:reference", books, s.showPayout},
		{get, "/accounting/payouts/:reference/lines.csv", books, s.exportPayoutLines},
		{get, "/accounting/not-paid-out", books, s.listNotPaidOut},
		{get, "/accounting/not-paid-out/export.csv", books, s.exportNotPaidOut},
		{get, "/accounting/unknown-payments", books, s.listUnknownPayments},
		{get, "/accounting/unknown-payments/export.csv", books, s.exportUnknownPayments},

		{get, "/accounting/exports", books, s.showExports},
		{get, "/accounting/exports/download", books, s.downloadExport},
		{get, "/accounting/exports/settings", books, s.showExportSettings},
		{post, "/accounting/exports/settings", money, s.updateExportSettings},

		{get, "/accounting/dunning", books, s.listOpenItems},
		{post, "/accounting/dunning/remind", money, s.remind},
		{get, "/accounting/dunning/reminded", books, s.showReminded},
		{get, "/accounting/dunning/letters", books, s.showLetters},
		{get, "/accounting/dunning/settings", books, s.showDunningSettings},
		{post, "/accounting/dunning/settings", admin, s.updateDunningSettings},
		{get, "/accounting/dunning/:id", books, s.showOpenItem},
		{post, "/accounting/dunning/:id/hold", money, s.holdReminders},
		{post, "/accounting/dunning/:id/unhold", money, s.unholdReminders},

		{get, "/administration/settings", settings, s.showSettings},
		{get, "/administration/settings/payment-methods", settings, s.listPaymentMethods},
		{get, "/administration/settings/payment-methods/new", admin, s.newPaymentMethod},
		{post, "/administration/settings/payment-methods/new", admin, s.createPaymentMethod},
		{get, "/administration/settings/payment-methods/:id", settings, s.showPaymentMethod},
		{post, "/administration/settings/payment-methods/:id", admin, s.updatePaymentMethod},
		{post, "/administration/settings/payment-methods/:id/check", admin, s.checkPaymentMethod},
		{post, "/administration/settings/payment-methods/:id/resume", admin, s.resumePaymentMethod},
		{get, "/administration/settings/accounting/business-accounts", settings, s.listBusinessAccounts},
		{get, "/administration/settings/accounting/business-accounts/new", admin, s.newBusinessAccount},
		{post, "/administration/settings/accounting/business-accounts/new", admin, s.createBusinessAccount},
		{get, "/administration/settings/accounting/business-accounts/:id", settings, s.showBusinessAccount},
		{post, "/administration/settings/accounting/business-accounts/:id", admin, s.updateBusinessAccount},
		{post, "/administration/settings/accounting/business-accounts/:id/check", admin, s.checkBusinessAccount},
		{post, "/administration/settings/accounting/business-accounts/:id/import", money, s.startImport},
		{get, "/administration/settings/mail", admin, s.showMailSettings},
		{post, "/administration/settings/mail", admin, s.saveMailSettings},
		{post, "/administration/settings/mail/test", admin, s.testMail},
		{get, "/administration/settings/carriers", admin, s.listCarriers},
		{get, "/administration/settings/carriers/new", admin, s.newCarrier},
		{post, "/administration/settings/carriers/new", admin, s.createCarrier},
		{get, "/administration/settings/carriers/:id", admin, s.showCarrier},
		{post, "/administration/settings/carriers/:id", admin, s.updateCarrier},
		{get, "/administration/settings/company", admin, s.showCompany},
		{post, "/administration/settings/company", admin, s.updateCompany},
		{get, "/administration/settings/company/logo", admin, s.companyLogo},

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
