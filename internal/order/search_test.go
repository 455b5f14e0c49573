package order_test

import (
	"slices"
	"strings"
	"testing"

	"gorm.io/gorm"

	"zahlwerk/internal/order"
)

func TestSearch(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		first := s.create(t, input()) // 200081, SHOP-4711
		second := input()
		second.Number, second.ExternalNumber, second.KlarnaOrderID = "200082", "#1000/AB", "aaaaaaaa-6a0e-4c0b-9d2e-7b1d5a2c9e10"
		second.CustomerName, second.CustomerEmail = "Größe & Söhne, Jörg von Übelacker", "Jörg@uebelacker.example"
		over := s.create(t, second)
		third := plain("300001")
		third.CustomerName, third.CustomerEmail = "100%_sure GmbH\\Co", "sure@example.com"
		s.create(t, third)
		s.inTx(t, func(tx *gorm.DB) error {
			if err := order.AddTerms(tx, first.ID, "00340434161094000001", "1Z 999 AA1 01 2345 6784", "300077"); err != nil {
				return err
			}
			return order.AddTerms(tx, over.ID, "JJD 0003-4", order.TrackingKey("JJD 0003-4"), strings.Repeat("x", 300))
		})

		const all = "300001 200082 200081"
		for q, want := range map[string]string{
			"": all, "  \t": all,
			"200081": "200081", "2000": "200082 200081", "00081": "", "20008 1": "200081", "2000811": "",
			"SHOP-4711": "200081", "shop-47": "200081", "SHOP": "200081", "4711": "", "#1000/AB": "200082",
			"max": "200081", "MUSTER": "200081", "muster max": "200081", "Max Muster": "200081", "Muster, Max": "200081",
			"max, ": "200081", ", ;": all, "max übelacker": "", "max nobody": "",
			"größe": "200082", "GRÖSSE": "", "GRÖßE": "200082", "söh": "200082", "SÖHNE": "200082", "JÖRG": "200082", "ÜBEL": "200082", "ubel": "",
			"&": "200082", "max@example.com": "200081", "MAX@": "200081", "jörg@uebelacker.example": "200082",
			"3f9a1c52-6a0e-4c0b-9d2e-7b1d5a2c9e10": "200081", "3F9A1C52": "200081", "aaaaaaaa": "200082",
			"00340434161094000001": "200081", "0034 0434 1610 9400 0001": "200081", "00340434": "200081",
			"1Z999AA10123456784": "200081", "1z 999 aa1 01 2345 6784": "200081", "1Z 999": "200081", "1z999aa1": "200081",
			"JJD0003-4": "200082", "jjd00034": "200082", "JJD 0003-4": "200082",
			"300077": "200081", "3000": "300001 200081",
			"%": "", "_": "", "100%": "300001", "1%": "", "100%_s": "300001", "1___": "", "\\": "", "gmbh\\co": "300001", "*": "", "'": "", "''": "",
			"' OR 1=1 --": "", "max\x00": "", "\x00": "", "max\xff": "", "\xff": "", "\U0010FFFF": "", "max\U0010FFFF": "",
			strings.Repeat("x", 300): "200082", strings.Repeat("x", 99): "200082", strings.Repeat("y", 5000): "",
			strings.Repeat("max ", 20_000): "200081",
		} {
			page, err := s.List(t.Context(), order.Filter{Query: q})
			if err != nil {
				t.Errorf("%.60q: %v", q, err)
				continue
			}
			if got := numbers(page.Orders); !slices.Equal(got, strings.Fields(want)) {
				t.Errorf("%.60q finds %q, want %q", q, got, want)
			}
		}
	})
}

func TestAddTermsTwice(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		o := s.create(t, plain("1"))
		s.inTx(t, func(tx *gorm.DB) error { return order.AddTerms(tx, o.ID, "Max", "new", "NEW", "") })
		var terms []string
		err := s.db.Read(t.Context()).Raw("SELECT term FROM order_terms ORDER BY term").Scan(&terms).Error
		if want := []string{"1", "max", "max@example.com", "maxmuster", "muster", "new"}; err != nil || !slices.Equal(terms, want) {
			t.Errorf("terms %q, want %q (%v)", terms, want, err)
		}
	})
}

func TestTrackingKey(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"00340434161094000001": "00340434161094000001", " 1z 999\taa1 ": "1Z999AA1", "JJD.0003-4/5_6": "JJD0003456",
		"\u00a01\u202f2": "12", "- . /": "", "": "", "äß": "Äß",
	} {
		if got := order.TrackingKey(number); got != want {
			t.Errorf("TrackingKey(%q) = %q, want %q", number, got, want)
		}
	}
}
