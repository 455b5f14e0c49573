package auth

import "testing"

func TestWhatCountsAsOneAddress(t *testing.T) {
	t.Parallel()
	for ip, want := range map[string]string{
		"192.0.2.1":            "ip:192.0.2.1",
		"::ffff:192.0.2.1":     "ip:192.0.2.1",
		"2001:db8:0:1::1":      "ip:2001:db8:0:1::/64",
		"2001:db8:0:1:ffff::2": "ip:2001:db8:0:1::/64",
		"2001:db8:0:2::1":      "ip:2001:db8:0:2::/64",
		"fe80::1%eth0":         "ip:fe80::/64",
		"::1":                  "ip:::/64",
		"":                     "",
		"192.0.2.1:443":        "",
		"unknown":              "",
		"192.0.2.1\x00":        "",
		"192.0.2.1, 192.0.2.2": "",
	} {
		got := ""
		if g := addressGuesses(ip); len(g) == 1 {
			got = g[0].key
		}
		if got != want {
			t.Errorf("%q counts as %q, want %q", ip, got, want)
		}
	}
}
