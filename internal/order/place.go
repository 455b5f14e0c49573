package order

import (
	"time"
	_ "time/tzdata" // the zone below must be known on every machine
)

// Zone is where the merchant works: days begin there, and times are shown as the clock on
// that wall.
var Zone = mustZone("Europe/Berlin")

func mustZone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // the zones are built in
	}
	return z
}

// Moment is a time in a message. It is written to the minute, as the clock on the wall in
// Zone shows it.
type Moment struct{ time.Time }

var minuteLayouts = map[string]string{"de": "02.01.2006 15:04", "en": "2\u00a0Jan\u00a02006, 15:04"}

// Localize writes the time as people write it in a language; "" for the zero time.
func (m Moment) Localize(lang string) string {
	if m.IsZero() {
		return ""
	}
	return m.In(Zone).Format(minuteLayouts[lang])
}

// Language is the one that is read where the parcel goes to, for papers and mails: "de"
// or "en".
func (o *Order) Language() string {
	switch o.Delivery().Country {
	case "DE", "AT", "CH", "LI", "LU":
		return "de"
	}
	return "en"
}
