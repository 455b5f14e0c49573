// Package klarnasandbox is a stand-in for Klarna's Order Management API v1 and Settlements
// API v1, for the demo, for tests and for training: orders, captures, refunds, shipping info,
// states, amounts, payouts with their transactions and reports, error bodies, Basic
// authentication, rate limits and idempotency as Klarna documents them, with faults that can
// be set and a clock that can be moved. It answers as Klarna does, not as our client asks,
// and knows nothing of the client.
//
// # Use
//
//	sandbox := klarnasandbox.New(klarnasandbox.Options{Clock: clock.NewFixed(now)})
//	defer sandbox.Close()
//	server := httptest.NewServer(sandbox)
//	order, err := sandbox.CreateOrder("", klarnasandbox.NewOrder{Amount: 12990})
//	fault, _ := klarnasandbox.Preset("timeout_applied")
//	fault.Operation, fault.Times = klarnasandbox.OpCapture, 1
//	_, err = sandbox.SetFault(fault)
//
// The APIs are under /ordermanagement/v1/ and /settlements/v1/, the control page under
// /sandbox/. Everything is in memory: a restart forgets it.
//
// # Payouts
//
// What is captured and refunded is paid out when the clock gets to its payday, as the
// merchant's [Terms] say: at first each week from Wednesday to Tuesday, a week after its end.
//
//	sandbox.Advance(14 * 24 * time.Hour)                     // the paydays that come make payouts
//	made, err := sandbox.PayOut("")                          // or at once
//	_, err = sandbox.AddExtra(klarnasandbox.Extra{Type: klarnasandbox.TypeHoldback, Amount: 500})
//	made, err = sandbox.GeneratePayouts(klarnasandbox.Volume{Payouts: 50, Transactions: 1_000_000})
//	payout, err := sandbox.CreatePayout(klarnasandbox.NewPayout{Totals: …, Transactions: …})
//	payout, err = sandbox.CreateOddPayout("", klarnasandbox.OddNegative)
//	lines := sandbox.Transactions(payout.PaymentReference)   // as they are told
//	fault, _ = klarnasandbox.Preset("short_page")            // see PayoutPresets
//	fault.Operation, fault.Reference, fault.Page = klarnasandbox.OpListTransactions, payout.PaymentReference, 3
//
// Generated transactions are computed from their number whenever they are asked for, so that
// any quantity takes no memory.
//
// # Control API
//
// JSON under /sandbox/api/, without a log-in; requests that a browser makes for another
// origin are refused. Errors are {"error_code", "error_messages"}.
//
//	GET    /sandbox/api/orders?q=&offset=&limit=   {"orders": […], "total": n}, newest first
//	POST   /sandbox/api/orders                     the fields of NewOrder and merchant_id; 201 with the order
//	GET    /sandbox/api/orders/{id}                the order as Klarna tells it, merchant_id, acknowledged
//	POST   /sandbox/api/orders/{id}/actions        the fields of Action: what somebody else does at Klarna
//	GET    /sandbox/api/payouts?merchant_id=&offset=&limit=
//	                                               {"payouts": […], "total": n}, newest first
//	POST   /sandbox/api/payouts                    the fields of NewPayout: a payout as odd as it is wanted; 201
//	POST   /sandbox/api/payouts/now                {"merchant_id"}: pays out what is open; 201 with the payouts
//	POST   /sandbox/api/payouts/odd                {"merchant_id", "oddity"}: one of Oddities; 201 with the payout
//	POST   /sandbox/api/payouts/generate           the fields of Volume; 201 with the payouts
//	GET    /sandbox/api/payouts/extras             {"extras": […]}: what is booked for payouts to come
//	POST   /sandbox/api/payouts/extras             the fields of Extra; 201 with its payday
//	GET    /sandbox/api/payouts/terms?merchant_id= the fields of Terms
//	PUT    /sandbox/api/payouts/terms?merchant_id= any of them
//	GET    /sandbox/api/presets                    {"presets": […]}: the faults with a name
//	GET    /sandbox/api/faults                     {"faults": […]}
//	POST   /sandbox/api/faults                     a preset's name and what is to differ from it, or all fields:
//	                                               preset, operation, order_id, payment_reference, page,
//	                                               times (0 = until cleared), kind, applied,
//	                                               delay_ms, hold_ms, status, error_code, error_messages,
//	                                               ratelimit_reset; 201 with its id
//	DELETE /sandbox/api/faults                     clears all
//	DELETE /sandbox/api/faults/{id}                clears one
//	GET    /sandbox/api/clock                      {"now", "moved_seconds"}
//	POST   /sandbox/api/clock                      {"advance": "5h"}; a Go duration or whole days such as 7d
//	GET    /sandbox/api/settings                   {"latency_ms", "rate_limit"}
//	PUT    /sandbox/api/settings                   either or both
//	GET    /sandbox/api/requests?order_id=&limit=  {"requests": […], "total": n}, oldest first
//	DELETE /sandbox/api/requests                   forgets them
//
// # What Klarna leaves open
//
// Where Klarna's documentation is silent, the sandbox has chosen:
//
//   - An idempotency key belongs to the merchant account and to nothing else. Neither the
//     operation nor the order nor the body matters: a key that is used again within 24 hours
//     of its first attempt gets the first answer, whatever is asked.
//   - Repeated are status, headers (the correlation id, too) and body of a success and of a
//     definite refusal: 400, 403 with an error_code, 404, 422. A 401, a bare 403, 409, 413,
//     415, 429 and 5xx leave the key free; the 24 hours still count from the first attempt.
//   - A second call with a key whose first is under way waits for it and gets its answer.
//     That it may be 409 CONFLICT at Klarna can be tried with the preset "conflict".
//   - A refusal that a fault gives is kept for its key like one of Klarna's own, unless the
//     key has an answer already.
//   - A capture of 0 passes the request's schema, but could not be told (the answer's schema
//     begins at 1): 403 CAPTURE_NOT_ALLOWED. A refund of 0 is possible.
//   - A text or a list of the wrong size is 422 UNPROCESSABLE_ENTITY; a missing field, a
//     wrong type, number or pattern 400 BAD_VALUE; what the specification does not name is
//     ignored. Order lines must add up (quantity × unit price − discount = total), but their
//     sum is not compared with the amount.
//   - A malformed order id is 400, and so is a bad body for an order that does not exist.
//     The order of another merchant does not exist (404).
//   - A release leaves a partly captured order CAPTURED with nothing remaining. Neither a
//     part capture nor anything but extend-authorization-time moves expires_at.
//   - An order with captures whose time is over is EXPIRED, too; refunds and shipping info
//     go on. CLOSED is what only Klarna itself does.
//   - Refunds use up the captures in the order in which these were made.
//   - With no limit set, the rate limit headers tell Klarna's own limit, untouched.
//   - A path that the API does not have is 403 with an HTML page, a wrong method 405.
//   - start_date and end_date are both included. A size, an offset, a date or a currency that
//     makes no sense is 400 BAD_VALUE, and so is an end before the start.
//   - The transactions of a payout that there is not are an empty page; payouts are listed
//     newest first. An order_id chooses among all payouts of the merchant.
//   - Amounts have no sign. The settlement is the balance of the totals and thus negative
//     where the merchant owes it, which is also what deposit and closing_debt_balance say.
//   - With GROSS, fees are in no payout but in one of their own, GROSS_FEE, with a negative
//     settlement: an invoice, which touches no debt.
//   - The total of reversals is less what merchant protection took over. A type that is not
//     Klarna's has no total.
//   - A refusal of a report is JSON, as everywhere: in CSV or PDF it could not be told.
package klarnasandbox
