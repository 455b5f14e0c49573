// Package klarnasandbox is a stand-in for Klarna's Order Management API v1, for the demo,
// for tests and for training: orders, captures, refunds, shipping info, states, amounts,
// error bodies, Basic authentication, rate limits and idempotency as Klarna documents them,
// with faults that can be set and a clock that can be moved. It answers as Klarna does, not
// as our client asks, and knows nothing of the client.
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
// The API is under /ordermanagement/v1/, the control page under /sandbox/. Everything is in
// memory: a restart forgets it.
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
//	GET    /sandbox/api/presets                    {"presets": […]}: the faults with a name
//	GET    /sandbox/api/faults                     {"faults": […]}
//	POST   /sandbox/api/faults                     a preset's name and what is to differ from it, or all fields:
//	                                               preset, operation, order_id, times (0 = until cleared), kind,
//	                                               applied, delay_ms, hold_ms, status, error_code, error_messages,
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
package klarnasandbox
