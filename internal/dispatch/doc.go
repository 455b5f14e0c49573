// Package dispatch is the shipping side (Versandzentrum): what leaves, as which
// parcel, and what that starts; one by one, for a selection, from a carrier's file or as
// an autoship run. Every action is one transaction in which the delivery
// note, the parcel, the protocol and the planned capture become true together.
//
// It does not talk to Klarna: it plans, capture tells.
package dispatch
