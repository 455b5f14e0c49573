package klarna

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"

	"github.com/google/uuid"
)

// OrderManagement is Klarna's Order Management API as one merchant account sees
// it. It is safe for concurrent use.
//
// See https://docs.klarna.com/api/ordermanagement/
type OrderManagement struct {
	client *Client
	target Target
}

// OrderManagement returns the API as the account t sees it.
func (c *Client) OrderManagement(t Target) *OrderManagement {
	return &OrderManagement{client: c, target: t}
}

// Order reads an order. Klarna asks to do so sparingly.
//
// See https://docs.klarna.com/order-management/pre-delivery/order-details/
func (om *OrderManagement) Order(ctx context.Context, orderID string) (*Order, Call, error) {
	r, call, err := om.get(ctx, orderID)
	if err != nil {
		return nil, call, err
	}
	var order Order
	err = r.decode(&order, &call)
	if err == nil && (!strings.EqualFold(order.OrderID, orderID) || order.Status == "") {
		err = call.notKlarna("it is not the order that was asked for")
	}
	if err != nil {
		return nil, call, err
	}
	return &order, call, nil
}

// Capture sends body, a stored [CaptureRequest], under the idempotency key. For
// 24 hours Klarna answers the same key with the same answer and does not look
// at the body, so that both must be kept and sent again together.
//
// It returns the id of the capture. An id of "" without an error means: captured,
// but Klarna did not say under which id.
//
// See https://docs.klarna.com/order-management/delivery/full-capture/
func (om *OrderManagement) Capture(ctx context.Context, orderID, key string, body []byte) (captureID string, call Call, err error) {
	r, call, err := om.post(ctx, key, body, orderID, "captures")
	if err != nil {
		return "", call, err
	}
	if id := captureIDOf(r.header); id != "" {
		return id, call, nil // even if what follows the headers was lost
	}
	err = r.acknowledges(&call)
	return "", call, err
}

// FindCapture reads one capture of an order.
//
// See https://docs.klarna.com/order-management/post-delivery/capture-details/
func (om *OrderManagement) FindCapture(ctx context.Context, orderID, captureID string) (*Capture, Call, error) {
	r, call, err := om.get(ctx, orderID, "captures", captureID)
	if err != nil {
		return nil, call, err
	}
	var capture Capture
	err = r.decode(&capture, &call)
	if err == nil && capture.CaptureID != captureID {
		err = call.notKlarna("it is not the capture that was asked for")
	}
	if err != nil {
		return nil, call, err
	}
	return &capture, call, nil
}

// AppendShippingInfo adds parcels to a capture: body is a stored
// [ShippingInfoRequest]. What was added can't be taken back. About key and body
// see [OrderManagement.Capture].
//
// See https://docs.klarna.com/order-management/post-delivery/add-capture-shipping-details/
func (om *OrderManagement) AppendShippingInfo(ctx context.Context, orderID, captureID, key string, body []byte) (Call, error) {
	r, call, err := om.post(ctx, key, body, orderID, "captures", captureID, "shipping-info")
	if err != nil {
		return call, err
	}
	err = r.acknowledges(&call)
	return call, err
}

// CheckCredentials finds out whether Klarna takes the credentials, without
// changing anything: it reads an order that does not exist. nil means that they
// are good.
func (om *OrderManagement) CheckCredentials(ctx context.Context) (Call, error) {
	_, call, err := om.get(ctx, uuid.NewString())
	e, _ := errors.AsType[*Error](err)
	switch {
	case err == nil:
		err = call.notKlarna("an order that can't exist was found")
	case e != nil && e.Status == http.StatusNotFound && e.Code == CodeNoSuchOrder:
		err = nil
	case e != nil && e.Status == http.StatusNotFound && !e.JSON:
		err = call.notKlarna("a 404 without an error code")
	}
	return call, err
}

func (om *OrderManagement) get(ctx context.Context, segments ...string) (response, Call, error) {
	return om.call(ctx, request{method: http.MethodGet}, segments)
}

func (om *OrderManagement) post(ctx context.Context, key string, body []byte, segments ...string) (response, Call, error) {
	return om.call(ctx, request{method: http.MethodPost, key: key, body: body}, segments)
}

// call makes a call below an order; the order's id is the first segment.
func (om *OrderManagement) call(ctx context.Context, in request, segments []string) (response, Call, error) {
	in.path = "/ordermanagement/v1/orders/" + strings.Join(segments, "/")
	if !ValidOrderID(segments[0]) {
		return om.notSent(in, fmt.Errorf("%w: the order id %.40q is not a UUID", ErrNotSent, segments[0]))
	}
	for _, s := range segments {
		if !isToken(s) {
			return om.notSent(in, fmt.Errorf("%w: %.40q is not an id", ErrNotSent, s))
		}
	}
	r, call, err := om.client.send(ctx, om.target, in)
	if err != nil {
		return r, call, err
	}
	return r, call, checkResponse(r, call)
}

func (om *OrderManagement) notSent(in request, err error) (response, Call, error) {
	return response{}, Call{
		At: om.client.now().UTC(), Method: in.method, IdempotencyKey: in.key, Request: mask(in.body),
		TransportError: err.Error(), RateLimitRemaining: -1,
	}, err
}

// decode reads a success with a body.
func (r response) decode(v any, call *Call) error {
	switch {
	case r.lost != nil:
		return r.lost
	case r.tooLarge:
		err := &NoAnswer{TooLarge, fmt.Errorf("more than %d bytes", r.limit)}
		call.TransportError = err.Error()
		return err
	}
	if err := json.Unmarshal(r.body, v); err != nil {
		return call.notKlarna("it is not the JSON that was expected") // json's error would quote from it
	}
	return nil
}

// acknowledges tells Klarna's success without a body from somebody else's, such
// as the log-in page of a network: Klarna sends nothing or JSON.
func (r response) acknowledges(call *Call) error {
	switch {
	case r.lost != nil:
		return r.lost
	case len(r.body) > 0 && !json.Valid(r.body):
		return call.notKlarna("a success with a page instead of an id")
	}
	return nil
}

func (c *Call) notKlarna(why string) error {
	err := &NoAnswer{NotKlarna, errors.New(why)}
	c.TransportError = err.Error()
	return err
}

// captureIDOf returns the id of a new capture: Capture-Id, else the end of
// Location, else "".
func captureIDOf(header http.Header) string {
	if id := header.Get("Capture-Id"); isToken(id) {
		return id
	}
	dir, id := path.Split(header.Get("Location"))
	if isToken(id) && path.Base(dir) == "captures" {
		return id
	}
	return ""
}
