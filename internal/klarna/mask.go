package klarna

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const dots = "••••"

// maxRecorded is how much of a body is kept, in bytes.
const maxRecorded = 16 << 10

// personal are the fields of Klarna's bodies that say who the customer is.
// Everything inside of them is masked, whatever its name; the country stays,
// since it explains taxes and regions.
var personal = map[string]bool{
	"billing_address": true, "shipping_address": true, "address": true, "customer": true,
	"given_name": true, "family_name": true, "title": true, "attention": true, "organization_name": true,
	"street_address": true, "street_address2": true, "street_address__2": true,
	"postal_code": true, "city": true, "region": true,
	"email": true, "phone": true, "date_of_birth": true, "national_identification_number": true,
	"merchant_data": true, "user_input": true,
}

// mask returns a body as it may be kept: without personal data and not too
// long. What claims to be JSON but can't be read is not kept at all, since
// nobody can say what is in it.
func mask(body []byte) string {
	text := strings.TrimSpace(string(body))
	if text == "" {
		return ""
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err == nil && isAtEnd(d) {
		return clip(encode(maskValue(v, false)), maxRecorded)
	}
	if strings.ContainsAny(text[:1], "{[\"") {
		return fmt.Sprintf("(%d bytes of broken JSON)", len(body))
	}
	return clip(maskText(clean(text)), maxRecorded)
}

// email finds what looks like an address for electronic mail in a text without
// fields.
var email = regexp.MustCompile(`[^\s<>"'(),:;]+@[^\s<>"'(),:;]+`)

// maskText masks what can be recognised in a text without fields.
func maskText(s string) string { return email.ReplaceAllString(s, dots) }

func maskValue(v any, isPersonal bool) any {
	switch v := v.(type) {
	case map[string]any:
		for name, field := range v {
			key := strings.ToLower(name)
			if key != "country" {
				v[name] = maskValue(field, isPersonal || personal[key])
			}
		}
		return v
	case []any:
		for i := range v {
			v[i] = maskValue(v[i], isPersonal)
		}
		return v
	case nil:
		return nil
	default:
		if isPersonal && v != "" {
			return dots
		}
		if text, ok := v.(string); ok {
			return maskText(text)
		}
		return v
	}
}

func isAtEnd(d *json.Decoder) bool {
	_, err := d.Token()
	return err == io.EOF
}

func encode(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "(can't be written as JSON)" // what was read as JSON always can
	}
	return strings.TrimSpace(b.String())
}

// clean makes foreign text fit for a database and a page: valid UTF-8, without
// control characters.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// clip shortens s to at most n bytes, at a letter's end, and says so.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	end := n
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return fmt.Sprintf("%s… (%d bytes)", s[:end], len(s))
}
