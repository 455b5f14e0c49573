package carrier

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// Carrier is who brings a parcel. Code is Klarna's, from its carrier list
// (https://docs.klarna.com/payments/after-payments/order-management/more-actions/klarna-carrier-partner-list/).
type Carrier struct {
	ID             int64
	Key            string // unique; what scripts and shops call it
	Name           string
	Code           string
	ShippingMethod Method
	TrackingURL    string // of the tracking page; Placeholder stands for the number
	Patterns       string // see [Table.Recognise]
	Position       int    // among the others, from the top
	Active         bool   // offered and recognised
	CreatedAt      time.Time
	UpdatedAt      time.Time `gorm:"autoUpdateTime:false"` // by our clock, not the machine's
}

// Placeholder stands for the tracking number in the address of a tracking page.
const Placeholder = "{number}"

// Link is the address at which a number is followed, "" if the carrier has none. Blanks
// are for people; tracking pages want the number in one piece.
func (c Carrier) Link(number string) string {
	number = strings.Join(strings.Fields(number), "")
	return strings.ReplaceAll(c.TrackingURL, Placeholder, url.QueryEscape(number))
}

// Method is how a parcel reaches the customer, in Klarna's words; "" says nothing.
type Method string

// Home is the method of parcels that nothing else is known of.
const Home Method = "Home"

// Methods lists what Klarna takes as a shipping method.
func Methods() []Method {
	return []Method{Home, "DHLPackstation", "PickUpPoint", "PickUpStore", "PickUpWarehouse", "ClickCollect", "BoxReg", "BoxUnreg",
		"Postal", "PalletDelivery", "Own", "Digital", "Undefined"}
}

// Table is all carriers by their position, as they were read at one moment.
type Table []Carrier

// Active returns the carriers that are offered.
func (t Table) Active() Table {
	var active Table
	for _, c := range t {
		if c.Active {
			active = append(active, c)
		}
	}
	return active
}

// With returns a table that has c in the place of the carrier with its id, or by its
// position if there is none.
func (t Table) With(c Carrier) Table {
	all := slices.DeleteFunc(slices.Clone(t), func(other Carrier) bool { return other.ID == c.ID })
	all = append(all, c)
	slices.SortStableFunc(all, func(a, b Carrier) int { return a.Position - b.Position })
	return all
}

// Find returns the carrier that has s as its key, else as Klarna's code, else as its
// name, in any case. Inactive ones are found, too: shops may still send them.
func (t Table) Find(s string) (Carrier, bool) {
	s = strings.TrimSpace(s)
	for _, is := range []func(c Carrier) string{
		func(c Carrier) string { return c.Key },
		func(c Carrier) string { return c.Code },
		func(c Carrier) string { return c.Name },
	} {
		for _, c := range t {
			if s != "" && strings.EqualFold(s, is(c)) {
				return c, true
			}
		}
	}
	return Carrier{}, false
}

// Resolve returns the carrier that was entered. One that the table does not know gets
// its name as its code: Klarna takes free names, too.
func (t Table) Resolve(entered string) (c Carrier, known bool) {
	if c, ok := t.Find(entered); ok {
		return c, true
	}
	name := strings.TrimSpace(entered)
	return Carrier{Name: name, Code: name, ShippingMethod: Home}, false
}

// NameOf returns the name of the carrier with this code of Klarna's, or the code itself.
func (t Table) NameOf(code string) string {
	for _, c := range t {
		if c.Code == code {
			return c.Name
		}
	}
	return code
}
