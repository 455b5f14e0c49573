package mail_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/mail"
	"zahlwerk/internal/mail/mailtest"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

// host is a mail server that nobody speaks to.
const host = "mail.shop.example"

func entered(change ...func(in *mail.Input)) mail.Input {
	in := mail.Input{Settings: mail.Defaults()}
	in.Enabled, in.Host, in.Username, in.Password = true, host, "versand", password
	in.SenderName, in.SenderAddress = "Muster GmbH", "versand@shop.example"
	for _, c := range change {
		c(&in)
	}
	return in
}

func TestDefaultsCanStay(t *testing.T) {
	t.Parallel()
	s, err := onSQLite(t, mail.Options{}).Settings(t.Context())
	if err != nil || s != mail.Defaults() || s.Enabled || s.Port != 587 || s.Encryption != mail.StartTLS {
		t.Errorf("%+v, %v", s, err)
	}
	samples, err := mail.Preview(s)
	must(t, err)
	for _, sample := range samples {
		if strings.ContainsAny(sample.Subject+sample.Text, "{}") {
			t.Errorf("%s: %s\n%s", sample.Language, sample.Subject, sample.Text)
		}
	}
	if !strings.Contains(samples[0].Text, "Guten Tag Max Muster") || !strings.Contains(samples[1].Text, "Dear Max Muster") {
		t.Errorf("%+v", samples)
	}
}

func TestSettingsAreKept(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := newPost(t, db, mail.Options{})
		p.save(entered(func(in *mail.Input) {
			in.Host, in.Port, in.Encryption, in.ReplyTo, in.CopyTo = " "+host+" ", 465, mail.TLS, "frage@shop.example", "archiv@shop.example"
			in.German = mail.Template{Subject: "Unterwegs: {AUFTRAG}", Text: "Zeile\r\nZeile {LINK}"}
		}))
		want := entered().Settings
		want.Port, want.Encryption, want.ReplyTo, want.CopyTo, want.HasPassword = 465, mail.TLS, "frage@shop.example", "archiv@shop.example", true
		want.German = mail.Template{Subject: "Unterwegs: {AUFTRAG}", Text: "Zeile\nZeile {LINK}"}
		if got, err := p.Settings(t.Context()); err != nil || got != want {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}

		stored, err := store.Setting(db.Read(t.Context()), "mail")
		must(t, err)
		for place, text := range map[string]string{"database": stored, "log": p.logged()} {
			if strings.Contains(text, password) || !strings.Contains(text, "password") {
				t.Errorf("%s: %s", place, text)
			}
		}
		before := p.logged()
		p.save(mail.Input{Settings: want}) // nothing else
		if after := p.logged(); after != before {
			t.Errorf("saving the same was logged: %s", after)
		}
		want.Username = ""
		p.save(mail.Input{Settings: want})
		if got, _ := p.Settings(t.Context()); got.HasPassword {
			t.Error("there is a password without a username")
		}
	})
}

func TestWhatCanNotBeSaved(t *testing.T) {
	t.Parallel()
	p := onSQLite(t, mail.Options{})
	long := strings.Repeat("ä", mail.MaxLine+1)
	for want, change := range map[string]func(in *mail.Input){
		"host error.required":                  func(in *mail.Input) { in.Host = " " },
		"host mail.error.host":                 func(in *mail.Input) { in.Host = "smtp://" + host },
		"port mail.error.port":                 func(in *mail.Input) { in.Port = 65536 },
		"encryption error.choice":              func(in *mail.Input) { in.Encryption = "ssl" },
		"encryption mail.error.unencrypted":    func(in *mail.Input) { in.Encryption = mail.None },
		"username error.control_characters":    func(in *mail.Input) { in.Username = "a\x00b" },
		"password error.required":              func(in *mail.Input) { in.Password = "" },
		"password error.too_long":              func(in *mail.Input) { in.Password = long },
		"sender_name error.required":           func(in *mail.Input) { in.SenderName = "" },
		"sender_name error.control_characters": func(in *mail.Input) { in.SenderName = "Muster\r\nBcc: x@example.com" },
		"sender_address error.required":        func(in *mail.Input) { in.SenderAddress = "" },
		"sender_address error.email":           func(in *mail.Input) { in.SenderAddress = "Muster <versand@shop.example>" },
		"reply_to error.email":                 func(in *mail.Input) { in.ReplyTo = "a@example.com, b@example.com" },
		"copy_to error.email":                  func(in *mail.Input) { in.CopyTo = "a@example.com>\r\nDATA" },
		"subject_de error.required":            func(in *mail.Input) { in.German.Subject = "" },
		"subject_de error.too_long":            func(in *mail.Input) { in.German.Subject = long },
		"subject_en error.control_characters":  func(in *mail.Input) { in.English.Subject = "a\nb" },
		"subject_en mail.error.variables":      func(in *mail.Input) { in.English.Subject = "{ORDER} {AUFTRAG}" },
		"text_de mail.error.variables":         func(in *mail.Input) { in.German.Text = "{NAME} {Tracking-Nr.}" },
		"text_en error.required":               func(in *mail.Input) { in.English.Text = "\r\n " },
		"text_en error.too_long":               func(in *mail.Input) { in.English.Text = strings.Repeat("x", mail.MaxText+1) },
		"text_de error.control_characters":     func(in *mail.Input) { in.German.Text = "a\x00" },
	} {
		refused(t, p.Save(t.Context(), entered(change), admin), fault.Invalid, want)
	}
	if s, err := p.Settings(t.Context()); err != nil || s != mail.Defaults() {
		t.Errorf("something was kept: %+v, %v", s, err)
	}
	// Switched off, there may be gaps, and unencrypted is right for this machine itself.
	p.save(mail.Input{Settings: mail.Defaults()})
	for _, here := range []string{"localhost", "127.0.0.1", "127.0.0.2", "::1"} {
		p.save(entered(func(in *mail.Input) { in.Host, in.Encryption = here, mail.None }))
	}
}

// The password that is kept is for the server it was entered for.
func TestKeptPasswordGoesToNobodyElse(t *testing.T) {
	t.Parallel()
	p := onSQLite(t, mail.Options{})
	p.save(entered())
	for _, change := range []func(in *mail.Input){
		func(in *mail.Input) { in.Host = "mail.other.example" },
		func(in *mail.Input) { in.Username = "other" },
	} {
		in := entered(change)
		in.Password = ""
		refused(t, p.Save(t.Context(), in, admin), fault.Invalid, "password mail.error.password_again")
	}
	in := entered(func(in *mail.Input) { in.Password, in.Port, in.SenderName = "", 465, "Anders" })
	p.save(in)
	if s, _ := p.Settings(t.Context()); !s.HasPassword || s.Port != 465 {
		t.Errorf("%+v", s)
	}
}

func TestUnknownVariablesAreNamed(t *testing.T) {
	t.Parallel()
	_, err := mail.Preview(entered(func(in *mail.Input) { in.German.Text = "{NAME} {name} {ORT} {name}" }).Settings)
	refused(t, err, fault.Invalid, "text_de mail.error.variables")
	if args := err.(*fault.Error).Fields[0].Args; args[1] != "{name}, {ORT}" {
		t.Errorf("%v", args)
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	all := mail.Values{mail.Name: "Max", mail.Order: "1", mail.Note: "2", mail.Carrier: "DHL", mail.Numbers: "A, B", mail.Links: "https://a\nhttps://b"}
	without := maps.Clone(all)
	without[mail.Links] = ""
	for _, c := range []struct {
		text, subject string
		values        mail.Values
		want          string
	}{
		{"Hallo {NAME},\n\n{TRACKING} mit {VERSANDUNTERNEHMEN}\n{LINK}\n{FIRMA}", "{AUFTRAG}/{LIEFERSCHEIN}", all,
			"1/2|Hallo Max,\n\nA, B mit DHL\nhttps://a\nhttps://b\nMuster GmbH\n"},
		{"Nummer {TRACKING}\nHier: {LINK}\nGruß", "x", without, "x|Nummer A, B\nGruß\n"},
		{"{NAME}", "{NAME}\u2028{LINK}", mail.Values{mail.Name: "{LINK} {FIRMA}", mail.Links: "a\r\nBcc: b"}, "{LINK} {FIRMA} a Bcc: b|{LINK} {FIRMA}\n"},
	} {
		s := mailtest.New(t, mailtest.Options{})
		p := onSQLite(t, mail.Options{})
		in := good(s)
		in.German = mail.Template{Subject: strings.ReplaceAll(c.subject, "\u2028", " "), Text: c.text}
		p.save(in)
		p.content = func([]string) mail.Content { return mail.Content{Values: c.values} }
		p.plan("A")
		p.pass(mail.Delay)
		p.heard("sent")
		subject, text := read(t, s.Taken()[0])
		if got := subject + "|" + text; got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	if got := mail.Variables(); !slices.Contains(got, mail.Company) || len(got) != 7 {
		t.Errorf("%v", got)
	}
}
