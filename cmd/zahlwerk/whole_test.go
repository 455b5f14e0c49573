package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"zahlwerk/internal/klarnasandbox"
)

// TestMainJob is the main job with the real program: from a tracking number to Klarna's
// answer in the order's protocol.
func TestMainJob(t *testing.T) {
	t.Parallel()
	sandbox, klarna := klarnaServer(t, klarnasandbox.Options{})
	s := newSite(t, "ZAHLWERK_KLARNA_URL="+klarna)
	p, api := s.ready()

	id := atKlarna(t, sandbox, "200081")
	if status := api.call("POST", "/orders", orderJSON("200081", id), nil); status != 201 {
		t.Fatalf("POST order: %d", status)
	}
	if status := api.call("POST", "/orders", orderJSON("200081", id), nil); status != 200 {
		t.Errorf("POST the same order again: %d, want 200", status)
	}
	if a := api.order("200081"); a.Feedback != "waiting" || a.Why == nil || a.Why.Rule != "not_shipped" {
		t.Errorf("before shipping: %+v", a)
	}
	parcel := map[string]any{"carrier": "dhl", "tracking_number": "00340434161094042557"}
	if status := api.call("POST", "/orders/200081/parcels", parcel, nil); status != 201 {
		t.Fatalf("POST parcel: %d", status)
	}
	eventually(t, "confirmed", func() bool { return api.order("200081").Feedback == "confirmed" })

	k, _ := sandbox.Order(id)
	a := api.order("200081")
	note := a.DeliveryNotes[0]
	if len(k.Captures) != 1 || k.Captures[0].CapturedAmount != 6457 || k.Captures[0].Reference != note.Number || k.Captures[0].ID != note.Capture.CaptureID {
		t.Errorf("Klarna holds %+v, we say %+v", k.Captures, note.Capture)
	}
	if info := k.Captures[0].ShippingInfo; len(info) != 1 || info[0].TrackingNumber != "00340434161094042557" || info[0].ShippingCompany != "dhl-germany" {
		t.Errorf("shipping info at Klarna: %+v", info)
	}
	var protocol struct {
		Items []struct{ Kind, Text, Actor string }
	}
	api.call("GET", "/orders/200081/protocol", nil, &protocol)
	want := "Klarna Rückmeldung OK: Capture " + note.Capture.CaptureID
	if len(protocol.Items) == 0 || !strings.HasPrefix(protocol.Items[0].Text, want) || !strings.Contains(protocol.Items[0].Text, "64,57 €") {
		t.Errorf("newest entry of the protocol: %+v, want it to begin with %q", protocol.Items, want)
	}
	if status := api.call("POST", "/orders/200081/parcels", parcel, nil); status != 200 {
		t.Errorf("the same parcel again: %d, want 200", status)
	}
	if k, _ := sandbox.Order(id); len(k.Captures) != 1 || len(k.Captures[0].ShippingInfo) != 1 {
		t.Errorf("after the same parcel again Klarna holds %+v", k.Captures)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("the program ended with %d:\n%s", code, p.log)
	}
	if strings.Contains(p.log.String(), klarnasandbox.DemoPassword) || strings.Contains(p.log.String(), testPassword) {
		t.Error("a password is in the log")
	}
}

// TestKill9 kills the program again and again while captures are on their way, against a
// Klarna that loses some of the answers.
func TestKill9(t *testing.T) {
	t.Parallel()
	const orders, kills = 40, 4
	sandbox, klarna := klarnaServer(t, klarnasandbox.Options{Latency: 10 * time.Millisecond})
	s := newSite(t, "ZAHLWERK_KLARNA_URL="+klarna, "ZAHLWERK_RETRY=50ms,100ms,200ms")
	p, api := s.ready()
	numbers := make([]string, orders)
	ids := make([]string, orders)
	for i := range numbers {
		numbers[i] = fmt.Sprint(300 + i)
		ids[i] = atKlarna(t, sandbox, numbers[i])
		if status := api.call("POST", "/orders", orderJSON(numbers[i], ids[i]), nil); status != 201 {
			t.Fatalf("POST order: %d", status)
		}
		kind := klarnasandbox.FaultCut
		if i%2 == 0 {
			kind = klarnasandbox.FaultPartial
		}
		if i%3 == 0 {
			_, err := sandbox.SetFault(klarnasandbox.Fault{Operation: klarnasandbox.OpCapture, OrderID: ids[i], Kind: kind, Applied: i%2 == 0, Times: 1})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	captured := func() (n int) {
		for _, id := range ids {
			k, _ := sandbox.Order(id)
			n += len(k.Captures)
		}
		return n
	}
	for kill := range kills {
		var posts sync.WaitGroup
		part := numbers[kill*orders/kills : (kill+1)*orders/kills]
		for i, number := range part {
			posts.Go(func() {
				// The program may die under the request; the scanner then scans again.
				_, _, _ = api.try("POST", "/orders/"+number+"/parcels", map[string]any{"carrier": "dhl", "tracking_number": fmt.Sprintf("KILL%d%d", kill, i)})
			})
		}
		before := captured()
		eventually(t, "captures under way", func() bool { return captured() > before })
		p.kill()
		posts.Wait()
		p = s.start("serve")
		api.base = p.url
		for i, number := range part {
			if status := api.call("POST", "/orders/"+number+"/parcels", map[string]any{"carrier": "dhl", "tracking_number": fmt.Sprintf("KILL%d%d", kill, i)}, nil); status >= 300 {
				t.Fatalf("scan again: %d", status)
			}
		}
	}
	for i, number := range numbers {
		eventually(t, "order "+number+" confirmed", func() bool { return api.order(number).Feedback == "confirmed" })
		k, _ := sandbox.Order(ids[i])
		a := api.order(number)
		if len(k.Captures) != 1 || len(a.DeliveryNotes) != 1 || a.DeliveryNotes[0].Capture.CaptureID != k.Captures[0].ID {
			t.Errorf("order %s: Klarna holds %d captures, we have %+v", number, len(k.Captures), a.DeliveryNotes)
		}
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, tt := range []struct {
		name  string
		args  []string
		env   string
		exit  int
		names string // what the message must name
	}{
		{"help", []string{"--help"}, "", 0, "serve"},
		{"help of a command", []string{"serve", "--help"}, "", 0, "restored"},
		{"help of a command below", []string{"user", "add", "--help"}, "", 0, "--role"},
		{"unknown flag", []string{"serve", "--fast"}, "", 2, "--fast"},
		{"unknown command", []string{"fly"}, "", 2, "fly"},
		{"unknown variable", []string{"migrate"}, "ZAHLWERK_ADRESS=127.0.0.1:1", 2, "ZAHLWERK_ADRESS"},
		{"no address of metrics", []string{"migrate"}, "ZAHLWERK_METRICS_ADDR=on", 2, "ZAHLWERK_METRICS_ADDR"},
		{"waits that are none", []string{"migrate"}, "ZAHLWERK_RETRY=5s,later", 2, "ZAHLWERK_RETRY"},
		{"a key that outlives Klarna's memory", []string{"migrate"}, "ZAHLWERK_KEY_LIFETIME=25h", 2, "ZAHLWERK_KEY_LIFETIME"},
		{"Klarna over plain http", []string{"migrate"}, "ZAHLWERK_KLARNA_URL=http://klarna.example.com", 2, "ZAHLWERK_KLARNA_URL"},
		{"no workers", []string{"migrate"}, "ZAHLWERK_WORKERS=0", 2, "ZAHLWERK_WORKERS"},
		{"a proxy that is none", []string{"migrate"}, "ZAHLWERK_TRUSTED_PROXIES=nearby", 2, "ZAHLWERK_TRUSTED_PROXIES"},
		{"no such role", []string{"user", "add", "a@example.com", "--role", "boss"}, "", 2, "boss"},
		{"no such scope", []string{"token", "add", "x", "--scope", "all"}, "", 2, "--scope"},
		{"no such time", []string{"token", "add", "x", "--scope", "admin", "--expires", "soon"}, "", 2, "soon"},
		{"migrate", []string{"migrate"}, "", 0, ""},
	} {
		s := &site{t: t, data: s.data, env: append(append([]string{}, s.env...), tt.env)}
		out, errs, exit := s.run("", tt.args...)
		if exit != tt.exit || !strings.Contains(out+errs, tt.names) {
			t.Errorf("%s: exit %d, want %d and %q named:\n%s%s", tt.name, exit, tt.exit, tt.names, out, errs)
		}
	}
}

func TestWrongKeyFileIsNamed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.must("", "token", "add", "x", "--scope", "orders:read")
	key := filepath.Join(s.data, "secret.key")
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v %v", info, err)
	}
	if info, err := os.Stat(filepath.Join(s.data, "zahlwerk.db")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("database: %v %v", info, err)
	}
	other := newSite(t)
	other.must("", "token", "add", "x", "--scope", "orders:read")
	s.env = append(s.env, "ZAHLWERK_SECRET_KEY_FILE="+filepath.Join(other.data, "secret.key"))
	if _, errs, exit := s.run("", "serve"); exit != 1 || !strings.Contains(errs, other.data) {
		t.Errorf("another key file: exit %d\n%s", exit, errs)
	}
	missing := filepath.Join(s.data, "gone.key")
	s.env = append(s.env, "ZAHLWERK_SECRET_KEY_FILE="+missing)
	if _, errs, exit := s.run("", "serve"); exit != 1 || !strings.Contains(errs, missing) {
		t.Errorf("no key file: exit %d\n%s", exit, errs)
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("a new key was made for a database that has another")
	}
}

// Also in a folder that everybody may look into, and while the program runs: SQLite
// keeps what is new in files beside the database.
func TestFilesAreTheOwnersAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if err := os.Chmod(s.data, 0o755); err != nil {
		t.Fatal(err)
	}
	s.start("serve")
	s.must("", "backup", filepath.Join(s.data, "copy.db"))
	files, err := os.ReadDir(s.data)
	if err != nil || len(files) < 6 { // key, lock, database, its two logs, copy
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestOneServePerFolder(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.start("serve")
	if _, errs, exit := s.run("", "serve"); exit != 1 || !strings.Contains(errs, "another process") {
		t.Errorf("a second serve: exit %d\n%s", exit, errs)
	}
	s.must("", "token", "add", "beside", "--scope", "orders:read") // other commands work beside it
}

// TestRestoredCopy restores a backup that does not know of a capture that Klarna holds.
func TestRestoredCopy(t *testing.T) {
	t.Parallel()
	sandbox, klarna := klarnaServer(t, klarnasandbox.Options{})
	s := newSite(t, "ZAHLWERK_KLARNA_URL="+klarna)
	p, api := s.ready()
	// Klarna refuses for now, so that the copy holds a row that is not confirmed.
	fault, err := sandbox.SetFault(klarnasandbox.Fault{Operation: klarnasandbox.OpCapture, Kind: klarnasandbox.FaultAnswer, Status: 503, Code: "TEMPORARILY_UNAVAILABLE"})
	if err != nil {
		t.Fatal(err)
	}
	id := atKlarna(t, sandbox, "1")
	api.call("POST", "/orders", orderJSON("1", id), nil)
	api.call("POST", "/orders/1/parcels", map[string]any{"carrier": "dhl", "tracking_number": "RESTORE1"}, nil)
	eventually(t, "tried once", func() bool { return len(sandbox.RequestsAbout(id)) > 0 })
	copied := filepath.Join(t.TempDir(), "copy.db")
	s.must("", "backup", copied)
	sandbox.ClearFault(fault.ID)
	eventually(t, "confirmed", func() bool { return api.order("1").Feedback == "confirmed" })
	if p.stop() != 0 {
		t.Fatal(p.log)
	}

	key, err := os.ReadFile(filepath.Join(s.data, "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	restored := newSite(t, "ZAHLWERK_KLARNA_URL="+klarna)
	content, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"zahlwerk.db": content, "secret.key": key} {
		if err := os.WriteFile(filepath.Join(restored.data, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sandbox.ClearRequests()
	p = restored.start("serve")
	api = &machine{t: t, base: p.url, token: api.token}
	eventually(t, "adopted", func() bool { return api.order("1").Feedback == "confirmed" })
	if a := api.order("1"); !a.DeliveryNotes[0].Capture.Adopted {
		t.Errorf("not adopted: %+v", a)
	}
	for _, r := range sandbox.RequestsAbout(id) {
		if r.Method == "POST" && strings.HasSuffix(r.Path, "/captures") {
			t.Errorf("the restored copy sent a capture before it read: %+v", r)
		}
	}
	if k, _ := sandbox.Order(id); len(k.Captures) != 1 {
		t.Errorf("Klarna holds %d captures", len(k.Captures))
	}
}

// TestDemo starts the demo as a newcomer does and looks around.
func TestDemo(t *testing.T) {
	t.Parallel()
	p := newSite(t).start("demo", "--orders", "60")
	b := p.logIn("admin@example.com", demoPassword)
	if page := b.get("/orders"); strings.Count(page, "data-row") < 50 {
		t.Errorf("the list of orders has %d rows", strings.Count(page, "data-row"))
	}
	for _, feedback := range []string{"failed", "confirmed", "waiting", "by_hand", "done_by_hand", "skipped", "partly_confirmed", "queued"} {
		if page := b.get("/orders?" + url.Values{"feedback": {feedback}}.Encode()); !strings.Contains(page, "data-row") {
			t.Errorf("no sample order is %s", feedback)
		}
	}
	b.get("/sandbox/")
	if code := p.stop(); code != 0 {
		t.Errorf("the demo ended with %d:\n%s", code, p.log)
	}
}
