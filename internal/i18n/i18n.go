package i18n

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"sync"

	"github.com/BurntSushi/toml"
	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// The languages, as they stand in lang attributes, cookies and user records.
const (
	German  = "de"
	English = "en"
)

// Default is the language of a reader who asks for none that we speak.
const Default = English

//go:embed messages/*.toml
var files embed.FS

// tags has the default first: that is the matcher's fallback.
var tags = []language.Tag{language.English, language.German}

var matcher = language.NewMatcher(tags)

// Languages returns every language there is, the default first.
func Languages() []string { return []string{English, German} }

// Known reports whether lang is one of [Languages].
func Known(lang string) bool { return slices.Contains(Languages(), lang) }

// Match returns the language that serves an Accept-Language header best.
func Match(acceptLanguage string) string {
	// A header that can't be parsed is worth as much as none: the parts before
	// the mistake still count.
	wanted, _, _ := language.ParseAcceptLanguage(acceptLanguage)
	_, i, _ := matcher.Match(wanted...)
	return Languages()[i]
}

type contextKey struct{}

// WithLanguage returns a context whose reader reads lang; one we don't speak
// becomes [Default].
func WithLanguage(ctx context.Context, lang string) context.Context {
	if !Known(lang) {
		lang = Default
	}
	return context.WithValue(ctx, contextKey{}, lang)
}

// Language returns the language of the reader, [Default] if none was set.
func Language(ctx context.Context) string {
	if lang, ok := ctx.Value(contextKey{}).(string); ok {
		return lang
	}
	return Default
}

// T returns the text of key in the reader's language. args are alternating
// names and values for its placeholders; an integer named Count also chooses
// the plural; a value with the method Localize(lang string) string is written by it.
// A key without a text renders as itself and is logged once: a page
// with an odd word is better than no page.
func T(ctx context.Context, key string, args ...any) string {
	lang := Language(ctx)
	data := make(map[string]any, len(args)/2)
	for i := 0; i+1 < len(args); i += 2 {
		data[fmt.Sprint(args[i])] = localize(args[i+1], lang)
	}
	text, err := catalogue().localizers[lang].Localize(&goi18n.LocalizeConfig{
		MessageID: key, TemplateData: data, PluralCount: plural(data["Count"]),
	})
	if err != nil {
		logOnce(lang, key, err)
	}
	if text == "" {
		return key
	}
	return text
}

// localize writes values that differ by language, such as amounts, in the reader's.
func localize(value any, lang string) any {
	if v, ok := value.(interface{ Localize(lang string) string }); ok {
		return v.Localize(lang)
	}
	return value
}

// plural is what chooses the plural: a count that is not an integer can't.
func plural(count any) any {
	switch count.(type) {
	case int, int64, int32:
		return count
	}
	return nil
}

// Has reports whether key has a text in lang.
func Has(lang, key string) bool {
	_, ok := catalogue().messages[lang][key]
	return ok
}

var logged sync.Map

func logOnce(lang, key string, err error) {
	if _, seen := logged.LoadOrStore(lang+" "+key, true); !seen {
		slog.Warn("text can't be rendered", "language", lang, "key", key, "error", err)
	}
}

// catalog is all message files, read.
type catalog struct {
	messages   map[string]map[string]*goi18n.Message // language, key
	localizers map[string]*goi18n.Localizer
}

// catalogue reads the files that are built in. They can't change after the
// build and a test reads them, so one that can't be read is a panic.
var catalogue = sync.OnceValue(func() catalog {
	c, err := load(files)
	if err != nil {
		panic(err)
	}
	return c
})

func load(fsys fs.FS) (catalog, error) {
	bundle := goi18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	c := catalog{
		messages:   map[string]map[string]*goi18n.Message{},
		localizers: map[string]*goi18n.Localizer{},
	}
	for _, lang := range Languages() {
		c.messages[lang] = map[string]*goi18n.Message{}
		c.localizers[lang] = goi18n.NewLocalizer(bundle, lang)
	}
	paths, err := fs.Glob(fsys, "messages/*.toml")
	if err != nil {
		return c, fmt.Errorf("list message files: %w", err)
	}
	for _, path := range paths {
		if err := c.add(bundle, fsys, path); err != nil {
			return c, fmt.Errorf("read message file %s: %w", path, err)
		}
	}
	return c, nil
}

func (c catalog) add(bundle *goi18n.Bundle, fsys fs.FS, path string) error {
	file, err := bundle.LoadMessageFileFS(fsys, path)
	if err != nil {
		return err
	}
	known, ok := c.messages[file.Tag.String()]
	if !ok {
		return fmt.Errorf("language %q is none of %v", file.Tag, Languages())
	}
	for _, m := range file.Messages {
		if _, twice := known[m.ID]; twice {
			return fmt.Errorf("the key %q stands in another file, too", m.ID)
		}
		known[m.ID] = m
	}
	return nil
}
