package carrier_test

import (
	"slices"
	"strings"
	"testing"

	"zahlwerk/internal/carrier"
)

func keys(t carrier.Table) string {
	var all []string
	for _, c := range t {
		all = append(all, c.Key)
	}
	return strings.Join(all, " ")
}

func TestRecognise(t *testing.T) {
	t.Parallel()
	table := seeded(t)
	for _, tt := range []struct{ number, want string }{
		{"00340434161094042557", "dhl"},
		{"(00) 3 4043416 109404255 7", "dhl"}, // as GS1 writes it
		{"00340434161094042558", ""},
		{"0034-0433 8364.4263 6597", "dhl"},
		{"jjd000390007915465431", "dhl"},
		{"JJD1410302937991", "dhl"},
		{"JJD014600003879123456", "dhl-express"},
		{"JD014600003879123456", "dhl-express"},
		{"201298452277", "dhl gls fedex"}, // all three check digits hold
		{"563102430313", "dhl"},
		{"CD123456785DE", "dhl"},
		{"CD123456784DE", ""},
		{"RR123456785DE", "deutsche-post"},
		{"A0 0132 90F4 00 0000 0AA5", "deutsche-post"},
		{"3318810025", "dhl-express"},
		{"3318810026", ""},
		{"01015026003653", "dpd"},
		{"0101 5026 0036 53 C", "dpd"},
		{"01015026003653D", ""},
		{"05222604107588", "hermes dpd"}, // by chance
		{"09133131530724", "hermes dpd"},
		{"09133131530725", "dpd"},
		{"63133131530722", "hermes"},
		{"H1001990012345601013", "hermes"},
		{"364123734778", "gls"},
		{"65561557219", "gls"},
		{"XHAX4HDA", "gls"},
		{"TEEKANNE", ""},
		{"1Z 999 AA1 01 2345 6784", "ups"},
		{"1Z5R89390357567127", "ups"},
		{"1Z5R89390357567128", ""},
		{"986578788855", "fedex"},
		{"041441760228964", "fedex"},
		{"61299998820821171811", "fedex"},
		{"9611020987654312345672", "fedex"},
		{"1042500012345678901239", "post-at"},
		{"1042500012345678", "post-at"},
		{"RO123456785AT", "post-at"},
		{"99.00.123456.12345678", "swiss-post"},
		{"CP123456785CH", "swiss-post"},
		{"3SABCD1234567", "postnl"},
		{"LX123456785NL", "postnl"},
		{"323212345678901234567890", "bpost"},
		{"6A12345678901", "colissimo"},
		{"620012345678901234567890", "inpost"},
		{"00559007731234567897", "poczta-polska"},
		{"00373500489530470475", "postnord"},
		{"370722150003922706", "bring"},
		{"JJFI12345678901234567", "posti"},
		{"T00ABC0123456789", "evri"},
		{"GE123456785WW", "tnt"},
		{"", ""},
		{" -/. ", ""},
		{"4711", ""},
		{"SHOP-4711", ""},
		{strings.Repeat("1", 100), ""},
	} {
		if got := keys(table.Recognise(tt.number)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.number, got, tt.want)
		}
	}
}

func TestRecogniseByOrderAndCheckDigit(t *testing.T) {
	t.Parallel()
	table := carrier.Table{
		{Key: "form", Patterns: `\d{12}`, Active: true},
		{Key: "off", Patterns: `\d{12}`},
		{Key: "none", Active: true},
		{Key: "checked", Patterns: "\\d{12} gls", Active: true},
		{Key: "second", Patterns: "X\n\\d+ gls\n\\d+\n", Active: true},
		{Key: "broken", Patterns: "(\n\\d+ luhn\na b c\n\\d+", Active: true},
		{Key: "part", Patterns: `\d{3}|3641`, Active: true},
	}
	for number, want := range map[string]string{
		"364123734778": "checked second form broken",
		"364123734779": "form second broken",
		"3641":         "second broken part",
		"x":            "second",
	} {
		if got := keys(table.Recognise(number)); got != want {
			t.Errorf("%s: %q, want %q", number, got, want)
		}
	}
}

// Every check digit finds each wrong digit, and all but the sums modulo 10 two that
// changed places; the samples are of the published forms.
func TestCheckDigits(t *testing.T) {
	t.Parallel()
	samples := map[string][]string{
		"gs1":       {"00340434161094042557", "00340433836442636597", "4006381333931", "96385074", "041441760228964"},
		"s10":       {"RR473124829GB", "RR123456785DE", "CP000000005AT"},
		"ups":       {"1Z999AA10123456784", "1Z5R89390357567127", "1Z879E930346834440", "1Z410E7W0392751591", "1Z8V92A70367203024"},
		"gls":       {"364123734778"},
		"identcode": {"201298452277", "563102430313"},
		"mod7":      {"3318810025", "73891051146", "8487135506"},
		"mod37":     {"01015026003653C", "008182709980000020033350276C", "008182709980000020045327276N"},
		"fedex":     {"986578788855", "477179081230", "799531274483"},
	}
	for _, name := range carrier.Checks() {
		if len(samples[name]) == 0 {
			t.Errorf("%s has no sample", name)
		}
		for _, number := range samples[name] {
			if !carrier.CheckDigit(name, number) {
				t.Errorf("%s refuses %s", name, number)
			}
			last := strings.LastIndexAny(number, "0123456789")
			if name == "mod37" {
				last = len(number) - 1
			}
			for _, other := range "0123456789" {
				if wrong := number[:last] + string(other) + number[last+1:]; wrong != number && carrier.CheckDigit(name, wrong) {
					t.Errorf("%s takes %s", name, wrong)
				}
			}
		}
		for _, odd := range []string{"", "1", "A", "ÄÖ", "1Z", "1Z999AA1012345678Ä", "RR473124829G", "RR4731248A9GB", "1234567890A", "12345678901A"} {
			if carrier.CheckDigit(name, odd) && name != "mod37" {
				t.Errorf("%s takes %q", name, odd)
			}
		}
	}
}

func FuzzRecognise(f *testing.F) {
	table := seeded(f)
	for _, number := range []string{"", "00340434161094042557", "1Z999AA10123456784", "RR123456785DE", "01015026003653C", "ß\x00\xff", "９９"} {
		f.Add(number, `\d+ gs1`)
	}
	f.Add("a", "(")
	f.Add("1", `[A-Z]{2}\d{9}DE s10`)
	f.Fuzz(func(t *testing.T, number, patterns string) {
		all := append(slices.Clone(table), carrier.Carrier{Key: "own", Patterns: patterns, Active: true})
		found := all.Recognise(number)
		for _, c := range found {
			c.Link(number)
		}
		if again := all.Recognise(strings.ToLower(" " + number + "\n")); keys(again) != keys(found) && isASCII(number) {
			t.Errorf("%q is %q, but with blanks and small letters %q", number, keys(found), keys(again))
		}
		for _, name := range carrier.Checks() {
			carrier.CheckDigit(name, number)
		}
		_ = carrier.Input{Key: "own", Name: "Own", Code: "own", Patterns: patterns, TrackingURL: number}.Check()
	})
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 127 })
}

func BenchmarkRecognise(b *testing.B) {
	table := seeded(b)
	for b.Loop() {
		table.Recognise("00340434161094042557")
	}
}
