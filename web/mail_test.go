package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/mail"
	"zahlwerk/internal/mail/mailtest"
	"zahlwerk/internal/order"
)

const (
	mailSettings = "/administration/settings/mail"
	mailPassword = "nur-ein-beispiel"
)

// mailForm is what somebody enters for a mail server on this machine.
func mailForm(s *mailtest.Server) url.Values {
	return url.Values{"enabled": {"on"}, "host": {s.Host}, "port": {strconv.Itoa(s.Port)}, "encryption": {"none"}, "username": {"versand"}, "password": {mailPassword},
		"sender_name": {"Muster GmbH"}, "sender_address": {"versand@shop.example"}}
}

func TestMailSettings(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin := h.as(auth.Admin)
	admin.get("/administration/settings").has(`a[href="` + mailSettings + `"]`)
	page := admin.get(mailSettings).is(http.StatusOK).says("Dear Max Muster", "Guten Tag Max Muster")
	form := page.form(mailSettings)
	if form.Has("enabled") || form.Get("port") != "587" || form.Get("encryption") != "starttls" || !strings.Contains(form.Get("text_de"), "{LINK}") {
		t.Errorf("%v", form)
	}
	server := mailtest.New(t, mailtest.Options{Username: "versand", Password: mailPassword})
	admin.submit(page, mailSettings, mailForm(server)).redirects(t, mailSettings)
	page = admin.get(mailSettings).says("Mail settings saved.", "Stored. Leave it empty to keep it.", "Muster GmbH <versand@shop.example>")
	form = page.form(mailSettings)
	if form.Get("enabled") != "on" || form.Get("password") != "" || form.Get("host") != server.Host || strings.Contains(page.Body.String(), mailPassword) {
		t.Errorf("%v", form)
	}
	admin.get("/administration/log").says("Mail settings changed", "Notify customers: No → Yes", "Encryption: STARTTLS → none", "Password: changed")

	// A field that is missing keeps its value, an unticked box does not.
	admin.post(mailSettings, url.Values{"reply_to": {"frage@shop.example"}}).redirects(t, mailSettings)
	s, err := h.mails.Settings(t.Context())
	must(t, err)
	if !s.Enabled || s.Host != server.Host || s.ReplyTo != "frage@shop.example" || !s.HasPassword {
		t.Errorf("%+v", s)
	}
	admin.submit(page, mailSettings, url.Values{"enabled": {}}).redirects(t, mailSettings)
	if s, _ := h.mails.Settings(t.Context()); s.Enabled {
		t.Error("still on")
	}
}

func TestMailSettingsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin := h.as(auth.Admin)
	page := admin.get(mailSettings)
	a := admin.submit(page, mailSettings, url.Values{"enabled": {"on"}, "host": {"smtp://x"}, "port": {"abc"}, "username": {"versand"}, "password": {mailPassword},
		"encryption": {"none"}, "subject_en": {"{ORDER}"}}).is(http.StatusUnprocessableEntity)
	for field, want := range map[string]string{"host": "Please enter the name of the server only", "port": "Please enter a number from 1 to 65535.",
		"encryption": "Unencrypted only to a mail server on this machine", "sender_name": "Please", "sender_address": "Please",
		"subject_en": "These variables do not exist here: {ORDER}"} {
		if got := a.fieldError(field); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q", field, got)
		}
	}
	a.says("Please enter it again", "The preview appears once the texts are right.")
	if form := a.form(mailSettings); form.Get("host") != "smtp://x" || form.Get("port") != "abc" || form.Get("enabled") != "on" ||
		strings.Contains(a.Body.String(), mailPassword) {
		t.Errorf("%v", form)
	}
}

func TestMailPreviewSavesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin := h.as(auth.Admin)
	page := admin.get(mailSettings)
	a := admin.submit(page, mailSettings, url.Values{"action": {"preview"}, "text_de": {"Hallo <b>{NAME}</b>"}, "sender_name": {"Anders"}, "password": {mailPassword}})
	a.is(http.StatusOK).says("Hallo <b>Max Muster</b>", "Anders", "Please enter it again").has("#preview[data-autofocus]")
	if a.form(mailSettings).Get("text_de") != "Hallo <b>{NAME}</b>" || strings.Contains(a.Body.String(), mailPassword) {
		t.Error("what was typed is not in the form")
	}
	if s, _ := h.mails.Settings(t.Context()); s != mail.Defaults() {
		t.Errorf("%+v", s)
	}
	a = admin.submit(page, mailSettings, url.Values{"action": {"preview"}, "text_de": {"{ORT}"}}).is(http.StatusUnprocessableEntity)
	if got := a.fieldError("text_de"); got != "These variables do not exist here: {ORT}" {
		t.Error(got)
	}
}

func TestTestMail(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin := h.as(auth.Admin)
	page := admin.get(mailSettings)
	if to := page.form(mailSettings + "/test").Get("to"); to != emailOf(auth.Admin) {
		t.Error(to)
	}
	admin.submit(page, mailSettings+"/test", nil).is(http.StatusConflict).says("Please save a mail server and a sender first.")
	server := mailtest.New(t, mailtest.Options{Username: "versand", Password: mailPassword})
	admin.submit(page, mailSettings, mailForm(server)).redirects(t, mailSettings)
	a := admin.submit(page, mailSettings+"/test", url.Values{"to": {"erika"}}).is(http.StatusUnprocessableEntity)
	if a.fieldError("to") == "" || a.form(mailSettings+"/test").Get("to") != "erika" {
		t.Error(a.text())
	}
	admin.submit(page, mailSettings+"/test", url.Values{"to": {"erika@example.com"}}).is(http.StatusOK).
		says("The mail server has taken the test mail.", "mailbox of erika@example.com")
	if taken := server.Taken(); len(taken) != 1 || taken[0].To[0] != "erika@example.com" {
		t.Errorf("%+v", taken)
	}
	admin.post(mailSettings, url.Values{"password": {"falsch"}}).redirects(t, mailSettings)
	admin.submit(page, mailSettings+"/test", url.Values{"to": {"erika@example.com"}}).is(http.StatusOK).
		says("The test mail did not go out.", "does not accept the username and password", "“535 5.7.8 versand, your password •••• is wrong”")
}

// What becomes of a mail stands in the order's protocol, and no address in the log.
func TestMailOfAnOrder(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	clerk := h.as(auth.Shipping)
	h.method()
	server := mailtest.New(t, mailtest.Options{Answer: func(c string) string {
		switch {
		case strings.HasPrefix(c, "RCPT TO:<later@"):
			return "451 4.7.1 later"
		case strings.HasPrefix(c, "RCPT TO:<nobody@"):
			return "550 5.1.1 nobody"
		}
		return mailtest.AsUsual
	}})
	in := mail.Input{Settings: mail.Defaults()}
	in.Enabled, in.Host, in.Port, in.Encryption = true, server.Host, server.Port, mail.None
	in.SenderName, in.SenderAddress = "Muster GmbH", "versand@shop.example"
	must(t, h.mails.Save(t.Context(), in, "Erika Beispiel"))
	orders := map[string]*order.Order{}
	for _, name := range []string{"max", "later", "nobody"} {
		o := h.order(1000)
		_, err := h.db.Exec(t.Context(), "UPDATE orders SET customer_email = ? WHERE id = ?", name+"@example.com", o.ID)
		must(t, err)
		_, err = h.dispatch.RecordParcel(t.Context(), o.ID, dispatch.ParcelInput{Carrier: "dhl", TrackingNumber: "00" + name}, "clerk")
		must(t, err)
		orders[name] = o
	}
	h.clock.Advance(mail.Delay)
	h.settle()
	for name, want := range map[string]string{
		"max":    "Shipping mail sent: 00max (delivery note ",
		"later":  "not sent yet: The mail server does not accept the recipient’s address. Please check it. The mail server’s answer: “451 4.7.1 later”. Next try: ",
		"nobody": "“550 5.1.1 nobody”. The shipment is not affected; please send the customer the link yourself.",
	} {
		clerk.get(fmt.Sprintf("/orders/%d", orders[name].ID)).says(want)
	}
	if log := h.log.String(); strings.Contains(log, "nobody@example.com") || strings.Contains(log, mailPassword) {
		t.Error(log)
	}
}
