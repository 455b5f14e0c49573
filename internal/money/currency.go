package money

import "strings"

// ISO 4217's codes of money that can be paid with, by the number of digits of
// the minor unit. CLDR (and with it golang.org/x/text/currency) has other
// digits for some of them, made for showing cash; Klarna counts by ISO.
const (
	noDigits = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"

	twoDigits = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD " +
		"CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD " +
		"HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK " +
		"MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB " +
		"SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD " +
		"UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"

	threeDigits = "BHD IQD JOD KWD LYD OMR TND"
)

var digits = func() map[string]int {
	m := make(map[string]int)
	for n, codes := range map[int]string{0: noDigits, 2: twoDigits, 3: threeDigits} {
		for code := range strings.FieldsSeq(codes) {
			m[code] = n
		}
	}
	return m
}()

// symbols are the signs that nobody confuses; all other currencies are written
// with their code.
var symbols = map[string]string{
	"EUR": "€", "GBP": "£", "USD": "$", "JPY": "¥",
	"AUD": "A$", "CAD": "CA$", "MXN": "MX$", "NZD": "NZ$",
}

// ValidCurrency reports whether code is a currency of ISO 4217, in capitals.
func ValidCurrency(code string) bool {
	_, ok := digits[code]
	return ok
}

// Digits returns how many digits the minor unit of the currency has: 2 for EUR,
// 0 for JPY, 3 for KWD; 2 for a code that is not valid.
func Digits(code string) int {
	if n, ok := digits[code]; ok {
		return n
	}
	return 2
}
