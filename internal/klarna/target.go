package klarna

import (
	"encoding/base64"
	"strings"
)

// Target is a merchant account at one of Klarna's hosts. However it is printed,
// the password does not show.
type Target struct {
	Endpoint
	Username string
	// A pointer, since fmt prints the unexported fields of structs: that shows
	// an address, not the password.
	password *string
}

// NewTarget returns the account that username and password open at endpoint.
func NewTarget(endpoint Endpoint, username, password string) Target {
	return Target{Endpoint: endpoint, Username: username, password: &password}
}

func (t Target) secret() string {
	if t.password == nil {
		return ""
	}
	return *t.password
}

// authorization returns the header's value.
//
// See https://docs.klarna.com/api/authentication/
func (t Target) authorization() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(t.Username+":"+t.secret()))
}

// redactor takes the credentials out of a text, should somebody echo them.
func (t Target) redactor() *strings.Replacer {
	_, encoded, _ := strings.Cut(t.authorization(), " ")
	pairs := []string{encoded, dots}
	if password := t.secret(); len(password) >= 6 { // a shorter one would blot out common words
		pairs = append(pairs, password, dots)
	}
	return strings.NewReplacer(pairs...)
}

// PasswordEnvironment returns the environment that a password says it is for.
// API keys of the newer kind start with "klarna_live_" or "klarna_test_".
//
// See https://docs.klarna.com/api/authentication/
func PasswordEnvironment(password string) (e Environment, known bool) {
	switch {
	case strings.HasPrefix(password, "klarna_live_"):
		return Live, true
	case strings.HasPrefix(password, "klarna_test_"):
		return Playground, true
	}
	return "", false
}

// UsernameRegion guesses the region from the merchant id that usernames of the
// older kind start with: "K123456_…" in Europe, "N123456_…" in North America, a
// P before it in the playground. Klarna documents no such rule, so that this is
// good for a hint and for nothing else.
func UsernameRegion(username string) (r Region, known bool) {
	merchant, _, ok := strings.Cut(username, "_")
	merchant = strings.TrimPrefix(merchant, "P")
	if !ok || len(merchant) < 2 || strings.Trim(merchant[1:], "0123456789") != "" {
		return "", false
	}
	switch merchant[0] {
	case 'K':
		return Europe, true
	case 'N':
		return NorthAmerica, true
	}
	return "", false
}
