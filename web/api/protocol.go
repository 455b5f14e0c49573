package api

import (
	"context"
	"strconv"
	"time"

	"zahlwerk/internal/order"
	"zahlwerk/views"
)

// ProtocolEntry says what happened to an order.
type ProtocolEntry struct {
	At      time.Time     `json:"at"`
	Actor   string        `json:"actor"`
	Kind    string        `json:"kind"`
	Outcome order.Outcome `json:"outcome" enum:"info,ok,failed"`
	Text    string        `json:"text" doc:"In the language of Accept-Language."`
	Details order.Params  `json:"details" doc:"The facts, for programs. Which there are depends on the kind."`
}

type protocolInput struct {
	OrderPath
	PagePath
}

type protocolAnswer struct{ Body List[ProtocolEntry] }

func (s *service) listProtocol(ctx context.Context, in *protocolInput) (*protocolAnswer, error) {
	o, err := s.Orders.FindByNumber(ctx, in.Number)
	if err != nil {
		return nil, err
	}
	before, err := in.before()
	if err != nil {
		return nil, err
	}
	entries, err := s.Orders.Protocol(ctx, o.ID, before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	carriers, err := s.Carriers.List(ctx)
	if err != nil {
		return nil, err
	}
	answer := &protocolAnswer{}
	if len(entries) > in.Limit {
		entries = entries[:in.Limit]
		answer.Body.NextCursor = strconv.FormatInt(entries[in.Limit-1].ID, 10)
	}
	answer.Body.Items = make([]ProtocolEntry, len(entries))
	for i, e := range entries {
		if e.Params == nil {
			e.Params = order.Params{}
		}
		answer.Body.Items[i] = ProtocolEntry{At: e.At, Actor: e.Actor, Kind: e.Kind, Outcome: e.Outcome,
			Text: views.ProtocolText(ctx, e, carriers), Details: e.Params}
	}
	return answer, nil
}
