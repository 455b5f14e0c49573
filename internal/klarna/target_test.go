package klarna_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"zahlwerk/internal/klarna"
)

func TestThePasswordDoesNotShow(t *testing.T) {
	t.Parallel()
	target := klarna.NewTarget(klarna.Endpoint{Region: klarna.Europe, Environment: klarna.Live}, username, password)
	type around struct{ target klarna.Target }
	api := klarna.New(klarna.Options{}).OrderManagement(target)
	encoded, err := json.Marshal(target)
	if err != nil {
		t.Fatal(err)
	}
	printed := []string{string(encoded)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, v := range []any{target, &target, around{target}, api, *api} {
			printed = append(printed, fmt.Sprintf(verb, v))
		}
	}
	for _, p := range printed {
		if strings.Contains(p, password) || strings.Contains(strings.ToLower(p), fmt.Sprintf("%x", password)) {
			t.Errorf("the password is in %q", p)
		}
	}
}

func TestPasswordEnvironment(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]klarna.Environment{
		"klarna_live_api_x": klarna.Live, "klarna_test_api_x": klarna.Playground, "klarna_other_x": "", "": "", "x": "",
	} {
		if got, known := klarna.PasswordEnvironment(password); got != want || known != (want != "") {
			t.Errorf("%q: %q, %t; want %q", password, got, known, want)
		}
	}
}

func TestUsernameRegion(t *testing.T) {
	t.Parallel()
	for username, want := range map[string]klarna.Region{
		"K123456_abc": klarna.Europe, "PK123456_abc": klarna.Europe,
		"N100135_abc": klarna.NorthAmerica, "PN100135_abc": klarna.NorthAmerica,
		"K123456": "", "K_abc": "", "KLARNA_abc": "", "X1_a": "", "": "", "_": "",
		"5f1f5c33-1111-4222-8333-944455556666": "",
	} {
		if got, known := klarna.UsernameRegion(username); got != want || known != (want != "") {
			t.Errorf("%q: %q, %t; want %q", username, got, known, want)
		}
	}
}
