package klarna

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestMask(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ in, want string }{
		"empty":   {"", ""},
		"blank":   {" \r\n", ""},
		"capture": {`{"captured_amount": 6457, "reference": "LS-1"}`, `{"captured_amount":6457,"reference":"LS-1"}`},
		"address": {
			`{"billing_address":{"given_name":"Erika","family_name":"Mustermann","country":"de","new":["Erika",{"x":7}],"title":""}}`,
			`{"billing_address":{"country":"de","family_name":"••••","given_name":"••••","new":["••••",{"x":"••••"}],"title":""}}`,
		},
		"customer":          {`{"customer":{"date_of_birth":"1981-09-06","b2b":true,"n":null}}`, `{"customer":{"b2b":"••••","date_of_birth":"••••","n":null}}`},
		"customer as text":  {`{"customer":"Erika"}`, `{"customer":"••••"}`},
		"anywhere":          {`[{"a":{"EMAIL":"erika@example.org","phone":5}}]`, `[{"a":{"EMAIL":"••••","phone":"••••"}}]`},
		"merchant data":     {`{"merchant_data":"{\"name\":\"Erika\"}"}`, `{"merchant_data":"••••"}`},
		"names of goods":    {`{"order_lines":[{"name":"Tasse <1>","quantity":2}]}`, `{"order_lines":[{"name":"Tasse <1>","quantity":2}]}`},
		"parcels stay":      {`{"shipping_info":[{"tracking_number":"003"}]}`, `{"shipping_info":[{"tracking_number":"003"}]}`},
		"big numbers stay":  {`{"a":12345678901234567890.10}`, `{"a":12345678901234567890.10}`},
		"NUL is escaped":    {`{"a":"b\u0000c"}`, `{"a":"b\u0000c"}`},
		"a text":            {`"erika"`, `"erika"`},
		"cut JSON":          {`{"billing_address":{"given_name":"Erika"`, "(40 bytes of broken JSON)"},
		"cut list":          {`["Erika"`, "(8 bytes of broken JSON)"},
		"cut text":          {`"Erika`, "(6 bytes of broken JSON)"},
		"JSON and more":     {`{"email":"a"}{"email":"b"}`, "(26 bytes of broken JSON)"},
		"HTML":              {"<h1>Bad\x00 gateway\xff</h1>\n", "<h1>Bad gateway\ufffd</h1>"},
		"address in a page": {"<p>Dear erika@example.org, no</p>", "<p>Dear ••••, no</p>"},
		"address in a text": {`{"error_messages":["Bad value: erika@example.org"]}`, `{"error_messages":["Bad value: ••••"]}`},
		"password in a URL": {`{"tracking_uri":"https://erika:geheim@example.org/1"}`, `{"tracking_uri":"https://erika:••••"}`},
		"long": {strings.Repeat("x", maxRecorded) + "y",
			strings.Repeat("x", maxRecorded) + "… (16385 bytes)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := mask([]byte(tc.in)); got != tc.want {
				t.Errorf("%s\nbecame %s\nwant   %s", tc.in, got, tc.want)
			}
		})
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   string
		n    int
		want string
	}{
		{"abc", 3, "abc"},
		{"abcd", 3, "abc… (4 bytes)"},
		{"aüb", 2, "a… (4 bytes)"},
		{"", 0, ""},
		{"\x80\x80", 1, "… (2 bytes)"},
	} {
		if got := clip(tc.in, tc.n); got != tc.want {
			t.Errorf("clip(%q, %d) = %q, want %q", tc.in, tc.n, got, tc.want)
		}
	}
}

// Wherever in an answer personal data stands, it must not be in the record.
func FuzzMask(f *testing.F) {
	for _, s := range []string{
		`null`, `{"a":1}`, `[1,"x",null]`, `{"country":"de"}`, `{`, `"x"`, `<p>`, `{"customer":{}}`, "\x00",
		`{"a":{"b":[{"c":1e999}]}}`,
	} {
		f.Add(s, "given_name", uint8(0))
		f.Add(s, "customer", uint8(1))
	}
	f.Fuzz(func(t *testing.T, inner, field string, form uint8) {
		const secret = "Erika-Mustermann-7"
		if got := mask([]byte(inner)); !utf8.ValidString(got) || strings.ContainsFunc(got, isUnfit) || len(got) > maxRecorded+40 {
			t.Errorf("%q became %q", inner, got)
		}
		if !personal[strings.ToLower(field)] || !json.Valid([]byte(inner)) {
			return
		}
		person := map[string]any{field: secret}
		switch form % 3 {
		case 1:
			person = map[string]any{field: map[string]any{"any": []any{json.RawMessage(inner), secret}}}
		case 2:
			person = map[string]any{"x": []any{map[string]any{field: []any{secret}}, json.RawMessage(inner)}}
		}
		body, err := json.Marshal(person)
		if err != nil {
			t.Skip()
		}
		got := mask(body)
		if strings.Contains(got, secret) {
			t.Errorf("%s became %s", body, got)
		}
		if len(got) < maxRecorded && (!json.Valid([]byte(got)) || mask([]byte(got)) != got) {
			t.Errorf("%s became %s, and that %s", body, got, mask([]byte(got)))
		}
	})
}

func isUnfit(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }

func TestParseErrorBody(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in, code, messages, correlationID string
	}{
		"Klarna's":      {`{"error_code":"NO_SUCH_ORDER","error_messages":["a","b"],"correlation_id":"c"}`, "NO_SUCH_ORDER", "a|b", "c"},
		"an address":    {`{"error_code":"BAD_VALUE","error_messages":["Bad value: erika@example.org"]}`, "BAD_VALUE", "Bad value: ••••", ""},
		"no messages":   {`{"error_code":"CONFLICT","error_messages":[],"correlation_id":"c"}`, "CONFLICT", "", "c"},
		"one message":   {`{"error_code":"X","error_messages":"a"}`, "X", "a", ""},
		"the network's": {`{"error_id":"i","error_type":"t","error_code":"TIMEOUT","error_message":"m"}`, "TIMEOUT", "m", ""},
		"numbers":       {`{"error_code":17,"error_messages":[1,null,{"a":1},"b"],"correlation_id":5}`, "17", "1|b", "5"},
		"other types":   {`{"error_code":{},"error_messages":{"a":"b"},"correlation_id":[]}`, "", "", ""},
		"control":       {`{"error_code":"A\u0000B","error_messages":["a\u0000\u001bb"]}`, "AB", "ab", ""},
		"old":           {`{"http_status_code":401,"http_status_message":"Unauthorized"}`, "", "", ""},
		"empty":         {"", "", "", ""},
		"list":          {`["error_code"]`, "", "", ""},
		"null":          {`null`, "", "", ""},
		"text":          {`"error_code"`, "", "", ""},
		"number":        {`1`, "", "", ""},
		"HTML":          {"<html><title>502</title></html>", "", "", ""},
		"cut":           {`{"error_code":"NO_SUCH_ORDER","error_mess`, "", "", ""},
		"long":          {`{"error_code":"` + strings.Repeat("x", 101) + `"}`, strings.Repeat("x", 100) + "… (101 bytes)", "", ""},
		"many":          {`{"error_messages":[` + strings.Repeat(`"a",`, 30) + `"a"]}`, "", strings.TrimSuffix(strings.Repeat("a|", 20), "|"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := parseErrorBody([]byte(tc.in))
			if got.code != tc.code || strings.Join(got.messages, "|") != tc.messages || got.correlationID != tc.correlationID {
				t.Errorf("%q became %+v", tc.in, got)
			}
		})
	}
}

func FuzzParseErrorBody(f *testing.F) {
	for _, s := range []string{
		"", "null", "[]", `{"error_code":1}`, "<html>", `{"error_code":"A"`, `{"error_messages":[[],{},"x"]}`,
		`{"error_messages":"` + strings.Repeat("é", 3000) + `"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got := parseErrorBody(body)
		all := append(got.messages, got.code, got.correlationID)
		if len(all) > maxMessages+2 {
			t.Errorf("%d messages", len(got.messages))
		}
		for _, s := range all {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, isUnfit) || len(s) > maxMessage+40 {
				t.Errorf("%q is unfit to be kept", s)
			}
		}
	})
}
