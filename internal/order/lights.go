package order

// Light is one lamp of an order's lights (Auftragsampel).
type Light string

// The lights.
const (
	LightGreen  Light = "green"  // done, or nothing in the way
	LightYellow Light = "yellow" // begun
	LightRed    Light = "red"    // in the way
	LightOff    Light = "off"    // not yet, or not its business
)

// Lights are the four lamps of an order in the list.
type Lights struct {
	Payment   Light // red: prepayment that has not come
	Documents Light // green: everything is in a delivery note
	Shipped   Light // green: everything has left
	Klarna    Light // red: a person must act
}

// Progress is what the lights need to know of an order's delivery notes.
type Progress struct {
	Notes   int  // delivery notes that were not taken back
	Left    int  // of these, those that have left
	AllGone bool // nothing is open and every note has left
	AllOn   bool // nothing is open: all goods stand in a note
}

// LightsOf works out the lamps.
func LightsOf(o *Order, p Progress) Lights {
	var l Lights
	if o.Status == Cancelled {
		return Lights{LightOff, LightOff, LightOff, LightOff}
	}
	l.Payment = LightRed
	if o.Paid() {
		l.Payment = LightGreen
	}
	l.Documents = degree(p.Notes, p.AllOn)
	l.Shipped = degree(p.Left, p.AllGone || o.Gone())
	switch o.Feedback {
	case FeedbackConfirmed, FeedbackDoneByHand, FeedbackSkipped:
		l.Klarna = LightGreen
	case FeedbackFailed:
		l.Klarna = LightRed
	case FeedbackQueued, FeedbackPartlyConfirmed, FeedbackByHand:
		l.Klarna = LightYellow
	default:
		l.Klarna = LightOff
	}
	return l
}

func degree(begun int, all bool) Light {
	switch {
	case all:
		return LightGreen
	case begun > 0:
		return LightYellow
	}
	return LightOff
}
