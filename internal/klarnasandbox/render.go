package klarnasandbox

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"
)

//go:embed page
var pageFiles embed.FS

// languages are those of the page; the first is for whoever asks for none of them.
var languages = []string{"en", "de"}

const languageCookie = "sandbox_lang"

// templates are the parsed pages, by language and name.
var templates = parseTemplates()

func parseTemplates() map[string]map[string]*template.Template {
	all := map[string]map[string]*template.Template{}
	for _, lang := range languages {
		all[lang] = map[string]*template.Template{}
		for _, name := range []string{"orders", "order", "new", "payouts", "faults", "clock", "requests", "missing"} {
			all[lang][name] = template.Must(template.New("layout.gohtml").Funcs(pageFuncs(lang)).
				ParseFS(pageFiles, "page/layout.gohtml", "page/parts.gohtml", "page/"+name+".gohtml"))
		}
	}
	return all
}

func pageFuncs(lang string) template.FuncMap {
	return template.FuncMap{
		"t":        func(key string, args ...any) string { return say(lang, key, args...) },
		"money":    func(minor int64, currency string) string { return formatMoney(lang, minor, currency) },
		"time":     func(t time.Time) string { return formatTime(lang, t) },
		"iso":      func(t time.Time) string { return t.Format(time.RFC3339Nano) },
		"duration": func(d time.Duration) string { return formatDuration(lang, d) },
		"fault":    func(f Fault) string { return describeFault(lang, f) },
		"lower":    strings.ToLower,
		"dict":     dict,
	}
}

// dict hands several values to a part of a page.
func dict(pairs ...any) (map[string]any, error) {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("key %v is no string", pairs[i])
		}
		m[key] = pairs[i+1]
	}
	return m, nil
}

func render(w http.ResponseWriter, status int, p page) {
	var buf bytes.Buffer
	if err := templates[p.Lang][p.Name].Execute(&buf, p); err != nil {
		panic(err) // a mistake in a template, which the tests render all of
	}
	w.Header().Set(contentTypeHeader, "text/html; charset=utf-8")
	w.Header().Set("Content-Language", p.Lang)
	w.WriteHeader(status)
	_, _ = buf.WriteTo(w)
}

func serveCSS(w http.ResponseWriter, r *http.Request) {
	css, err := pageFiles.ReadFile("page/sandbox.css")
	if err != nil { // it is embedded
		panic(err)
	}
	w.Header().Set(contentTypeHeader, "text/css; charset=utf-8")
	_, _ = w.Write(css)
}

// language is the page's: the one asked for by ?lang=, which is remembered, else the
// remembered one, else the first of Accept-Language that the page has.
func language(w http.ResponseWriter, r *http.Request) string {
	if lang := r.URL.Query().Get("lang"); known(lang) {
		http.SetCookie(w, &http.Cookie{Name: languageCookie, Value: lang, Path: "/sandbox", MaxAge: 365 * 24 * 3600,
			HttpOnly: true, SameSite: http.SameSiteLaxMode})
		return lang
	}
	if c, err := r.Cookie(languageCookie); err == nil && known(c.Value) {
		return c.Value
	}
	best, quality := languages[0], 0.0
	for _, part := range strings.Split(r.Header.Get("Accept-Language"), ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		q := 1.0
		if v, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			q, _ = strconv.ParseFloat(v, 64)
		}
		lang, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if known(lang) && q > quality {
			best, quality = lang, q
		}
	}
	return best
}

func known(lang string) bool {
	for _, l := range languages {
		if l == lang {
			return true
		}
	}
	return false
}

// findText returns a text of the page; false if there is none of that key.
func findText(key string) (wording, bool) {
	for _, all := range []map[string]wording{texts, faultTexts, payoutTexts} {
		if t, ok := all[key]; ok {
			return t, true
		}
	}
	return wording{}, false
}

// say returns a text of the page, with args filled in; an unknown key is its own text.
func say(lang, key string, args ...any) string {
	t, ok := findText(key)
	if !ok {
		return key
	}
	s := t.en
	if lang == "de" {
		s = t.de
	}
	if len(args) > 0 {
		return fmt.Sprintf(s, args...)
	}
	return s
}

// describeFault says in a sentence what a fault does.
func describeFault(lang string, f Fault) string {
	if f.Preset != "" {
		if _, ok := findText("fault." + f.Preset); ok {
			return say(lang, "fault."+f.Preset)
		}
	}
	s := say(lang, "kind."+string(f.Kind))
	if f.Status != 0 {
		s += " " + strconv.Itoa(f.Status)
	}
	if f.Code != "" {
		s += " " + f.Code
	}
	if f.Applied {
		s += " (" + say(lang, "fault.applied") + ")"
	}
	return s
}

var currencySigns = map[string]string{"EUR": "€", "USD": "$", "GBP": "£"}

func formatMoney(lang string, minor int64, currency string) string {
	sign, whole, rest := digits(minor, currency)
	if sign != "" {
		sign = "−"
	}
	thousands, point := ",", "."
	if lang == "de" {
		thousands, point = ".", ","
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + thousands + whole[i:]
	}
	number := whole
	if rest != "" {
		number += point + rest
	}
	symbol, short := currencySigns[currency]
	switch {
	case lang == "de" && short:
		return sign + number + "\u00a0" + symbol
	case lang == "de":
		return sign + number + "\u00a0" + currency
	case short:
		return sign + symbol + number
	}
	return sign + currency + "\u00a0" + number
}

// parseAmount reads an amount in major units as people write it, 1.234,56 or 1,234.56, and
// returns minor units.
func parseAmount(text string) (int64, bool) {
	text = strings.NewReplacer(" ", "", "\u00a0", "", "€", "", "'", "").Replace(text)
	decimals := ""
	if i := strings.LastIndexAny(text, ".,"); i >= 0 && len(text)-i-1 <= 2 {
		text, decimals = text[:i], text[i+1:]
	}
	text = strings.NewReplacer(".", "", ",", "").Replace(text)
	if text == "" || len(text) > 9 {
		return 0, false
	}
	n, err := strconv.ParseUint(text+(decimals + "00")[:2], 10, 63)
	return int64(n), err == nil
}

func formatTime(lang string, t time.Time) string {
	if lang == "de" {
		return t.UTC().Format("02.01.2006 15:04:05") + " UTC"
	}
	return t.UTC().Format("2 Jan 2006 15:04:05") + " UTC"
}

func formatDuration(lang string, d time.Duration) string {
	days := int64(d / (24 * time.Hour))
	rest := (d % (24 * time.Hour)).Round(time.Second).String()
	if days == 0 {
		return rest
	}
	whole := say(lang, "days", days)
	if days == 1 {
		whole = say(lang, "day")
	}
	if rest == "0s" {
		return whole
	}
	return whole + " " + rest
}
