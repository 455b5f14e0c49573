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

// Language is the one that is read where the parcel goes to, for papers and mails: "de"
// or "en".
func (o *Order) Language() string {
	switch o.Delivery().Country {
	case "DE", "AT", "CH", "LI", "LU":
		return "de"
	}
	return "en"
}
