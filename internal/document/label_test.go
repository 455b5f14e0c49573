package document_test

import (
	"errors"
	"image"
	"image/color"
	"image/draw"
	"strings"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/oned"
	"gorm.io/gorm"

	"zahlwerk/internal/order"
)

// scan reads the Code 128 on a page as a scanner would, from its picture at 300 dots an
// inch.
func scan(t *testing.T, s sheet, wide, high float64) string {
	t.Helper()
	const dots = 300.0 / 72
	picture := image.NewGray(image.Rect(0, 0, int(wide*dots), int(high*dots)))
	draw.Draw(picture, picture.Bounds(), image.White, image.Point{}, draw.Src)
	for _, a := range s.areas {
		draw.Draw(picture, image.Rect(int(a.x*dots+.5), int((high-a.y-a.h)*dots+.5), int((a.x+a.w)*dots+.5), int((high-a.y)*dots+.5)),
			image.NewUniform(color.Black), image.Point{}, draw.Src)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	must(t, err)
	hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true}
	found, err := oned.NewCode128Reader().Decode(bitmap, hints)
	if err != nil {
		t.Fatalf("the scanner reads nothing: %v", err)
	}
	return found.GetText()
}

// The formats in points.
const (
	a6Wide, a6High = 297.64, 419.53
	a4Wide, a4High = 595.28, 841.89
)

func TestLabel(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		o.company(teaHouse())
		made := o.order(pots(func(in *order.Input) {
			in.ShippingAddress = &order.Address{Name: "Çelik & Söhne", Street: "Rue de l’Église 3", PostalCode: "67000", City: "Strasbourg", Country: "FR"}
		}))
		n := o.note(made, nil)
		parcel := order.Parcel{OrderID: made.ID, DeliveryNoteID: n.ID, Carrier: "dhl", TrackingNumber: "1", TrackingKey: "1", Report: order.ReportNone, CreatedAt: noon}
		o.inTx(func(tx *gorm.DB) error { return tx.Create(&parcel).Error })
		d, err := o.Label(t.Context(), n.ID, clerk)
		must(t, err)
		says(t, d.PDF, "From Teehaus Muster GmbH Fuggerstraße 11 86150 Augsburg GERMANY", "To Çelik & Söhne Rue de l’Église 3 67000 Strasbourg FRANCE",
			n.Number, "Order "+made.Number, "Your order SHOP-4711")
		if got := scan(t, read(t, d.PDF)[0], a6Wide, a6High); got != n.Number {
			t.Errorf("scanned %q, want %q", got, n.Number)
		}

		o.clock.Advance(time.Hour)
		if _, err := o.Label(t.Context(), n.ID, "somebody else"); err != nil {
			t.Fatal(err)
		}
		entries, err := o.orders.Protocol(t.Context(), made.ID, 0, 10)
		must(t, err)
		var printed []order.ProtocolEntry
		for _, e := range entries {
			if e.Kind == "label_printed" {
				printed = append(printed, e)
			}
		}
		if len(printed) != 1 || printed[0].Actor != clerk || printed[0].Params["note"] != n.Number || !printed[0].At.Equal(noon) {
			t.Errorf("protocol %+v", printed)
		}
		o.inTx(func(tx *gorm.DB) error { return tx.Take(&parcel, parcel.ID).Error })
		if parcel.LabelPrintedAt == nil || !parcel.LabelPrintedAt.Equal(noon) {
			t.Errorf("printed at %v", parcel.LabelPrintedAt)
		}
	})
}

func TestOtherPapersCanBeScanned(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	n := o.note(o.order(pots()), nil)
	paper, err := o.DeliveryNote(t.Context(), n.ID, clerk)
	must(t, err)
	list, err := o.PickList(t.Context(), []int64{n.ID})
	must(t, err)
	for name, file := range map[string][]byte{"delivery note": paper.PDF, "pick list": list.PDF} {
		page := read(t, file)[0]
		var bars []area
		for _, a := range page.areas {
			if a.h > 20 { // not the heads of tables
				bars = append(bars, a)
			}
		}
		page.areas = bars
		if got := scan(t, page, a4Wide, a4High); got != n.Number {
			t.Errorf("%s: scanned %q, want %q", name, got, n.Number)
		}
	}
}

func TestLongAddressStaysOnTheLabel(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	long := func(words string) string { return strings.TrimSpace(strings.Repeat(words, 255/len(words))) }
	o.company(teaHouse())
	made := o.order(pots(func(in *order.Input) {
		in.ShippingAddress = &order.Address{Company: long("Gesellschaft "), Name: long("Łukasz "), Street: long("Donaudampfschifffahrtsgesellschaftskapitänsweg"),
			Street2: long("Hinterhaus "), PostalCode: "1010", City: long("Wien "), Country: "AT"}
	}))
	d, err := o.Label(t.Context(), o.note(made, nil).ID, clerk)
	must(t, err)
	page := read(t, d.PDF)[0]
	for _, found := range page.texts {
		if found.y < 5 || found.y > a6High || found.x < 5 {
			t.Errorf("%q stands at %.0f, %.0f", found.s, found.x, found.y)
		}
	}
	if got := scan(t, page, a6Wide, a6High); got != "300001" {
		t.Errorf("scanned %q", got)
	}
	if !strings.Contains(page.String(), "ÖSTERREICH") {
		t.Error("no country")
	}
	var bars, lowest float64 = 0, a6High
	for _, a := range page.areas {
		bars = max(bars, a.y+a.h)
	}
	for _, found := range page.texts {
		if strings.Contains(found.s, "ÖSTERREICH") {
			lowest = found.y
		}
	}
	if lowest < bars {
		t.Errorf("the address ends at %.0f, the bars begin at %.0f", lowest, bars)
	}
}

func TestALabelThatCannotBeNotedIsNotKept(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	n := o.note(o.order(pots()), nil)
	o.inTx(func(tx *gorm.DB) error { return tx.Exec("ALTER TABLE protocol_entries RENAME TO elsewhere").Error })
	if _, err := o.Label(t.Context(), n.ID, clerk); err == nil {
		t.Fatal("printed without its entry in the protocol")
	}
	o.inTx(func(tx *gorm.DB) error { return tx.Exec("ALTER TABLE elsewhere RENAME TO protocol_entries").Error })
	var kept int64
	must(t, errors.Join(o.db.Read(t.Context()).Table("documents").Count(&kept).Error))
	if kept != 0 {
		t.Errorf("%d kept", kept)
	}
}
