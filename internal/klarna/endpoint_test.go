package klarna_test

import (
	"strings"
	"testing"

	"zahlwerk/internal/klarna"
)

func TestEndpoints(t *testing.T) {
	t.Parallel()
	want := map[klarna.Endpoint]string{
		{Region: klarna.Europe, Environment: klarna.Live}:             "https://api.klarna.com",
		{Region: klarna.NorthAmerica, Environment: klarna.Live}:       "https://api-na.klarna.com",
		{Region: klarna.Oceania, Environment: klarna.Live}:            "https://api-oc.klarna.com",
		{Region: klarna.Europe, Environment: klarna.Playground}:       "https://api.playground.klarna.com",
		{Region: klarna.NorthAmerica, Environment: klarna.Playground}: "https://api-na.playground.klarna.com",
		{Region: klarna.Oceania, Environment: klarna.Playground}:      "https://api-oc.playground.klarna.com",
	}
	for _, region := range klarna.Regions() {
		for _, environment := range klarna.Environments() {
			e := klarna.Endpoint{Region: region, Environment: environment}
			u, err := e.URL()
			if err != nil || u.String() != want[e] {
				t.Errorf("%v is at %v, %v; want %s", e, u, err, want[e])
			}
			delete(want, e)
		}
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	for _, e := range []klarna.Endpoint{
		{}, {Region: "us", Environment: klarna.Live}, {Region: klarna.Europe, Environment: "test"},
		{Region: klarna.Europe}, {Environment: klarna.Live},
	} {
		if u, err := e.URL(); err == nil {
			t.Errorf("%v is at %v", e, u)
		}
	}
}

func TestParseBaseURL(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ in, want, err string }{
		{"https://sandbox.example", "https://sandbox.example", ""},
		{"https://sandbox.example:8443/klarna/", "https://sandbox.example:8443/klarna", ""},
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080", ""},
		{"http://127.8.9.1/", "http://127.8.9.1", ""},
		{"http://[::1]:8080", "http://[::1]:8080", ""},
		{"http://localhost:8080", "http://localhost:8080", ""},

		{"", "", "https://"},
		{"127.0.0.1:8080", "", "not a URL"},
		{"localhost:8080", "", "https://"},
		{"//sandbox.example", "", "https://"},
		{"https://", "", "name a host"},
		{"https://:8080", "", "name a host"},
		{"ftp://127.0.0.1", "", "https://"},
		{"http://sandbox.example", "", "this machine only"},
		{"http://10.0.0.1", "", "this machine only"},
		{"http://localhost.example", "", "this machine only"},
		{"http://127.0.0.1.example", "", "this machine only"},
		{"https://user:not-a-secret@sandbox.example", "", "password"},
		{"https://user:not-a-secret@sandbox.example:port", "", "not a URL"},
		{"https://sandbox.example/?a=b", "", "query"},
		{"https://sandbox.example/?", "", "query"},
		{"https://sandbox.example/#a", "", "fragment"},
	} {
		u, err := klarna.ParseBaseURL(tc.in)
		switch {
		case tc.err == "" && (err != nil || u.String() != tc.want):
			t.Errorf("%q: %v, %v; want %s", tc.in, u, err, tc.want)
		case tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)):
			t.Errorf("%q: %v, %v; want an error about %q", tc.in, u, err, tc.err)
		case err != nil && strings.Contains(err.Error(), "not-a-secret"):
			t.Errorf("%q: the error shows the password: %v", tc.in, err)
		}
	}
}

func TestPortalOrderURL(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		environment       klarna.Environment
		username, id, url string
	}{
		{klarna.Live, "K123456_abc", orderID, "https://portal.klarna.com/orders/all/merchants/K123456/orders/" + orderID},
		{klarna.Playground, "PK12_a_b", orderID, "https://portal.playground.klarna.com/orders/all/merchants/PK12/orders/" + orderID},
		{klarna.Live, "5f1f5c33-1111-4222-8333-944455556666", orderID, "https://portal.klarna.com/orders/" + orderID},
		{klarna.Live, "", "a/../b?c#d", "https://portal.klarna.com/orders/a%2F..%2Fb%3Fc%23d"},
		{klarna.Live, "a/b_c", "x", "https://portal.klarna.com/orders/all/merchants/a%2Fb/orders/x"},
		{klarna.Live, "_c", "x", "https://portal.klarna.com/orders/x"},
	} {
		if got := klarna.PortalOrderURL(tc.environment, tc.username, tc.id); got != tc.url {
			t.Errorf("%s, %s: %s, want %s", tc.environment, tc.username, got, tc.url)
		}
	}
}

func TestValidOrderID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		orderID:                              true,
		strings.ToUpper(orderID):             true,
		"":                                   false,
		"K4MADNY":                            false,
		"urn:uuid:" + orderID:                false,
		"{" + orderID + "}":                  false,
		strings.ReplaceAll(orderID, "-", ""): false,
		orderID + " ":                        false,
		"../../../../../../../../../../x/..": false,
	} {
		if got := klarna.ValidOrderID(id); got != want {
			t.Errorf("ValidOrderID(%q) = %t", id, got)
		}
	}
}
