package i18n

// Texts returns, for the tests, every form of every text by language and key.
func Texts() map[string]map[string][]string {
	texts := map[string]map[string][]string{}
	for lang, messages := range catalogue().messages {
		texts[lang] = map[string][]string{}
		for key, m := range messages {
			for _, form := range []string{m.One, m.Other, m.Zero, m.Two, m.Few, m.Many} {
				if form != "" {
					texts[lang][key] = append(texts[lang][key], form)
				}
			}
		}
	}
	return texts
}
