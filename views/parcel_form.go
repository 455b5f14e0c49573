package views

// ParcelForm is a parcel as it is typed or scanned, on the page of an order and on that
// of a delivery note.
type ParcelForm struct {
	Form
	Carrier        string `form:"carrier"`
	TrackingNumber string `form:"tracking_number"`
	TrackingURL    string `form:"tracking_url"`
	DeliveryNote   string `form:"delivery_note"` // its number, "" for the one that is due
	// Again, a checkbox, says that the number may stand on a second note of the order.
	Again string `form:"again"`
	// Another, a checkbox, says that another parcel of the same note follows.
	Another string `form:"another"`
	// LastCarrier is what to propose where the number's form tells no carrier.
	LastCarrier string `form:"last_carrier"`
	// ReturnTo is the page that the parcel was recorded on, to come back to.
	ReturnTo string `form:"return_to"`
}
