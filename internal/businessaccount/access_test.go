package businessaccount_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"zahlwerk/internal/businessaccount"
)

// problems writes problems as "line key": errors with a "!".
func problems(ps []businessaccount.Problem) []string {
	var all []string
	for _, p := range ps {
		mark := ""
		if !p.Warning {
			mark = "!"
		}
		all = append(all, fmt.Sprintf("%d%s %s", p.Line, mark, p.Key[strings.LastIndex(p.Key, ".")+1:]))
	}
	return all
}

func TestReadAccess(t *testing.T) {
	t.Parallel()
	const noKey = "K123456_abc"
	for name, tt := range map[string]struct {
		text      string
		user, key string
		days      int
		problems  []string
	}{
		"in one line":            {"API_USER=>K1; API_KEY=>abc; API_DAYS=>7;", "K1", "abc", 7, nil},
		"in three lines":         {"API_USER=>K1;\nAPI_KEY=>abc;\nAPI_DAYS=>14;\n", "K1", "abc", 14, nil},
		"from Windows":           {"API_USER=>K1;\r\nAPI_KEY=>abc;\r\nAPI_DAYS=>14", "K1", "abc", 14, nil},
		"from an old Mac":        {"API_USER=>K1\rAPI_KEY=>abc\rAPI_DAYS=>14", "K1", "abc", 14, nil},
		"semicolons forgotten":   {"API_USER=>K1\nAPI_KEY=>abc\nAPI_DAYS=>14", "K1", "abc", 14, nil},
		"one forgotten":          {"API_USER=>K1\nAPI_KEY=>abc; API_DAYS=>14", "K1", "abc", 14, nil},
		"empty entries":          {";;\n;API_USER=>K1;;API_KEY=>abc;\n\n;API_DAYS=>14;;", "K1", "abc", 14, nil},
		"blanks":                 {"\t API_USER  =>  K1 \n API_KEY=> abc ;\u00a0API_DAYS =>\t14 ", "K1", "abc", 14, nil},
		"a byte order mark":      {"\ufeffAPI_USER=>K1\u200b;API_KEY=>abc;API_DAYS=>14", "K1", "abc", 14, nil},
		"small letters":          {"api_user=>K1; Api_Key=>abc; tage=>14", "K1", "abc", 14, nil},
		"the first arrow parts":  {"USER=>K1; KEY=>a=>b; DAYS=>7", "K1", "a=>b", 7, []string{"1 arrow"}},
		"blanks inside stay":     {"USER=>K1; KEY=>a b; DAYS=>7", "K1", "a b", 7, nil},
		"other signs":            {"USER=>K1; KEY=>a=b>c<&\"'%$*:ü•; DAYS=>7", "K1", "a=b>c<&\"'%$*:ü•", 7, nil},
		"no days":                {"USER=>K1\nKEY=>abc\n\n", "K1", "abc", 7, []string{"2 no_days"}},
		"few days":               {"USER=>K1;\nKEY=>abc;\nDAYS=>6", "K1", "abc", 6, []string{"3 few_days"}},
		"one day":                {"USER=>K1;KEY=>abc;DAYS=>1", "K1", "abc", 1, []string{"1 few_days"}},
		"a year":                 {"USER=>K1;KEY=>abc;DAYS=>365", "K1", "abc", 365, nil},
		"days with zeros":        {"USER=>K1;KEY=>abc;DAYS=>007", "K1", "abc", 7, nil},
		"no day":                 {"USER=>K1;KEY=>abc;\nDAYS=>0", "K1", "abc", 0, []string{"2! days"}},
		"more than a year":       {"USER=>K1;KEY=>abc;\nDAYS=>366", "K1", "abc", 0, []string{"2! days"}},
		"days before today":      {"USER=>K1;KEY=>abc;DAYS=>-7", "K1", "abc", 0, []string{"1! days"}},
		"days with a sign":       {"USER=>K1;KEY=>abc;DAYS=>+7", "K1", "abc", 0, []string{"1! days"}},
		"half days":              {"USER=>K1;KEY=>abc;DAYS=>7.5", "K1", "abc", 0, []string{"1! days"}},
		"days in words":          {"USER=>K1;KEY=>abc;DAYS=>sieben", "K1", "abc", 0, []string{"1! days"}},
		"days of the template":   {"USER=>K1;KEY=>abc;DAYS=>X", "K1", "abc", 0, []string{"1! days"}},
		"empty days":             {"USER=>K1;KEY=>abc;DAYS=>", "K1", "abc", 0, []string{"1! days"}},
		"too many days":          {"USER=>K1;KEY=>abc;DAYS=>99999999999999999999", "K1", "abc", 0, []string{"1! days"}},
		"nothing":                {"", "", "", 7, []string{"1! missing", "1! missing", "1 no_days"}},
		"empty lines":            {"\n\n;\n", "", "", 7, []string{"1! missing", "1! missing", "1 no_days"}},
		"no user":                {"\nKEY=>abc\nDAYS=>7", "", "abc", 7, []string{"3! missing"}},
		"no key":                 {"USER=>K1\nDAYS=>7\n", "K1", "", 7, []string{"2! missing"}},
		"empty user":             {"\nUSER=>;\nKEY=>abc;DAYS=>7", "", "abc", 7, []string{"2! empty"}},
		"empty key":              {"USER=>K1;\nKEY=>\u00a0;DAYS=>7", "K1", "", 7, []string{"2! empty"}},
		"a user twice":           {"USER=>K1;KEY=>abc;\nUSER=>K1;DAYS=>7", "K1", "abc", 7, []string{"2! twice"}},
		"a key by another name":  {"USER=>K1;API_KEY=>abc;\n\nPassword=>def;DAYS=>7", "K1", "abc", 7, []string{"3! twice"}},
		"days twice":             {"USER=>K1;KEY=>abc;DAYS=>7;\nTAGE=>8", "K1", "abc", 7, []string{"2! twice"}},
		"empty, then filled":     {"USER=>;\nUSER=>K1;KEY=>abc;DAYS=>7", "", "abc", 7, []string{"1! empty", "2! twice"}},
		"three times":            {"USER=>K1;USER=>K2;USER=>K3;KEY=>abc;DAYS=>7", "K1", "abc", 7, []string{"1! twice", "1! twice"}},
		"unknown name":           {"USER=>K1;KEY=>abc;DAYS=>7;\nAPI_ALLPAYMENTS=>1", "K1", "abc", 7, []string{"2 unknown"}},
		"unknown and empty":      {"USER=>K1;KEY=>abc;DAYS=>7;API_WAIT=>", "K1", "abc", 7, []string{"1 unknown"}},
		"the key as a name":      {"USER=>K1;KEY=>abc;DAYS=>7;klarna_live_0=>x", "K1", "abc", 7, []string{"1 unknown_hidden"}},
		"no name":                {"USER=>K1;KEY=>abc;DAYS=>7;\n=>x", "K1", "abc", 7, []string{"2! no_name"}},
		"no arrow":               {"USER=>K1;KEY=>abc;\nDAYS 7", "K1", "abc", 7, []string{"2! no_arrow", "2 no_days"}},
		"another arrow":          {"USER->K1\nKEY=abc\nDAYS=>7", "", "", 7, []string{"1! no_arrow", "2! no_arrow", "3! missing", "3! missing"}},
		"a semicolon in the key": {"USER=>K1;KEY=>ab;c;DAYS=>7", "K1", "ab", 7, []string{"1! no_arrow"}},
		"all in one entry":       {"USER=>K1 KEY=>abc DAYS=>7", "K1 KEY=>abc DAYS=>7", "", 7, []string{"1 arrow", "1! missing", "1 no_days"}},
		"the template":           {businessaccount.Template, "XX", "XX", 7, []string{"1 placeholder", "1 placeholder"}},
		"user and key swapped":   {"USER=>klarna_test_x;KEY=>" + noKey + ";DAYS=>7", "klarna_test_x", noKey, 7, []string{"1 key_as_user"}},
		"a colon in the user":    {"USER=>K1:abc;KEY=>abc;DAYS=>7", "K1:abc", "abc", 7, []string{"1! colon"}},
		"a tab in the key":       {"USER=>K1;KEY=>a\tb;DAYS=>7", "K1", "a\tb", 7, []string{"1! invisible"}},
		"NUL":                    {"USER=>K1;KEY=>a\x00b;DAYS=>7", "K1", "a\x00b", 7, []string{"1! invisible"}},
		"hidden in the user":     {"USER=>K\u200b1;KEY=>ab;DAYS=>7", "K\u200b1", "ab", 7, []string{"1! invisible"}},
		"broken text":            {"USER=>K1;KEY=>a\xffb;DAYS=>7", "K1", "a\xffb", 7, []string{"1! invisible"}},
		"a long key":             {"USER=>K1;KEY=>" + strings.Repeat("k", 513) + ";DAYS=>7", "K1", strings.Repeat("k", 513), 7, []string{"1! too_long"}},
		"a long text":            {"USER=>K1;KEY=>abc;DAYS=>7" + strings.Repeat(" ", 10_000), "", "", 0, []string{"1! text_too_long"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, ps := businessaccount.ReadAccess(tt.text)
			if a.User != tt.user || a.Key.Reveal() != tt.key || a.Days != tt.days {
				t.Errorf("user %q, key %q, %d days; want %q, %q, %d", a.User, a.Key.Reveal(), a.Days, tt.user, tt.key, tt.days)
			}
			if got := problems(ps); !slices.Equal(got, tt.problems) {
				t.Errorf("%v, want %v", got, tt.problems)
			}
		})
	}
}

func TestEveryNameOfAnEntry(t *testing.T) {
	t.Parallel()
	for _, user := range []string{"API_USER", "USER_NAME", "USERNAME", "USER"} {
		for _, key := range []string{"API_KEY", "API_PASSWORD", "PASSWORD", "PW", "KEY"} {
			for _, days := range []string{"API_DAYS", "DAYS", "DAY", "TAGE"} {
				a, ps := businessaccount.ReadAccess(strings.ToLower(user) + "=>u;" + key + "=>k;" + days + "=>30")
				if a.User != "u" || a.Key.Reveal() != "k" || a.Days != 30 || len(ps) > 0 {
					t.Errorf("%s, %s, %s: %+v, %v", user, key, days, a, problems(ps))
				}
			}
		}
	}
}

func TestMessagesNameWhatTheyMean(t *testing.T) {
	t.Parallel()
	_, ps := businessaccount.ReadAccess("API_USER=>K1;\nUSER=>K2;\nAPI_WAIT=>3;\nKEY=>abc;DAYS=>7")
	want := []string{"[Line 2 Name USER First 1]", "[Line 3 Name API_WAIT]"}
	for i, p := range ps {
		if got := fmt.Sprint(p.Args); got != want[i] {
			t.Errorf("%s %s, want %s", p.Key, got, want[i])
		}
	}
}

// stored is an account whose access data are kept.
func stored() *businessaccount.Account {
	return &businessaccount.Account{Access: []byte("sealed"), UserHint: "K123…", Days: 14}
}

func TestMaskedAccess(t *testing.T) {
	t.Parallel()
	const masked = "API_USER=>K123…; API_KEY=>••••; API_DAYS=>14;"
	if got := stored().AccessText(); got != masked {
		t.Errorf("shown as %q", got)
	}
	if got := (&businessaccount.Account{}).AccessText(); got != "" {
		t.Errorf("none is shown as %q", got)
	}
	fresh := &businessaccount.Account{}
	for name, tt := range map[string]struct {
		account             *businessaccount.Account
		text                string
		keepsUser, keepsKey bool
		days                int
		problems            []string
	}{
		"unchanged":             {stored(), masked, true, true, 14, nil},
		"other days":            {stored(), "API_USER=>K123…\nKEY=>••••\nTAGE=>30", true, true, 30, nil},
		"another key":           {stored(), "USER=>K123…;KEY=>abc;DAYS=>14", true, false, 14, nil},
		"another user":          {stored(), "USER=>K9;KEY=>••••;DAYS=>14", false, true, 14, nil},
		"both":                  {stored(), "USER=>K9;KEY=>abc;DAYS=>14", false, false, 14, nil},
		"another masked user":   {stored(), "\nUSER=>K124…;KEY=>••••;DAYS=>14", false, true, 14, []string{"2! masked"}},
		"typed on in the mask":  {stored(), "USER=>K123…;\nKEY=>••••x;DAYS=>14", true, false, 14, []string{"2! masked"}},
		"nothing stored":        {fresh, "USER=>K123…;\nKEY=>••••;DAYS=>14", false, false, 14, []string{"1! masked", "2! masked"}},
		"in the order of lines": {fresh, "USER=>K123…;\nDAYS=>0", false, false, 0, []string{"1! masked", "2! days", "2! missing"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := tt.account.Read(tt.text)
			if r.KeepsUser != tt.keepsUser || r.KeepsKey != tt.keepsKey || r.Days != tt.days {
				t.Errorf("keeps the user %t, the key %t, %d days", r.KeepsUser, r.KeepsKey, r.Days)
			}
			if got := problems(r.Problems); !slices.Equal(got, tt.problems) || r.Failed() != (len(tt.problems) > 0) {
				t.Errorf("%v, want %v", got, tt.problems)
			}
		})
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text, want string
		lost       bool
	}{
		"a key":               {"API_USER=>K1;\r\nAPI_KEY=>geheim;\r\nAPI_DAYS=>7;", "API_USER=>K1;\r\nAPI_KEY=>;\r\nAPI_DAYS=>7;", true},
		"a masked key":        {"API_USER=>K1; API_KEY=>••••; API_DAYS=>7;", "API_USER=>K1; API_KEY=>••••; API_DAYS=>7;", false},
		"no key":              {"user => K1\n\nkey=>", "user => K1\n\nkey=>", false},
		"an unknown name":     {"API_PASWORD=>geheim", "API_PASWORD=>", false},
		"a secret as a name":  {"klarna_live_1=>x", "?", false},
		"no arrow":            {"USER=>K1; KEY=>a;b; DAYS 7", "USER=>K1; KEY=>;?;?", true},
		"a forgotten end":     {"USER=>K1 KEY=>geheim", "USER=>", false},
		"a key as a user":     {"USER=>klarna_live_x", "USER=>", false},
		"only blanks":         {" \n;\t", " \n;\t", false},
		"a second key":        {"KEY=>a\nPW=>b", "KEY=>\nPW=>", true},
		"a key without name":  {"=>geheim", "?", false},
		"blanks around a key": {" KEY => geheim ;", " KEY =>;", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, lost := businessaccount.Redact(tt.text)
			if got != tt.want || lost != tt.lost {
				t.Errorf("%q, %t; want %q, %t", got, lost, tt.want, tt.lost)
			}
		})
	}
}

// Whatever stands around it: the key gets nowhere, nothing is lost, and what is shown again
// has no fewer lines and no fewer errors.
func FuzzReadAccess(f *testing.F) {
	for _, text := range []string{"", businessaccount.Template, "API_USER=>u\nAPI_KEY=>k", "=>;=>", "USER=>K1 KEY=>", "\ufeffKEY=>a\r\n", "PW", "DAYS=>0;;",
		"USER=>K1…;KEY=>••••", "TAGE=>7\x00\xff", "K=>=>=>"} {
		f.Add(text, "")
		f.Add("API_USER=>u;", text)
	}
	const secret = "s3cr3t0key"
	f.Fuzz(func(t *testing.T, before, after string) {
		if strings.Contains(before+after, "s3cr") || len(before)+len(after) > 9000 {
			return
		}
		text := before + "API_KEY=>" + secret + after
		reading := stored().Read(text)
		understood := count(reading.User != "", !reading.Key.IsEmpty(), reading.Days != 0 && !says(reading.Problems, "no_days"))
		told := 0
		for _, p := range reading.Problems {
			if strings.Contains(fmt.Sprint(p.Args), secret[:4]) {
				t.Errorf("%s quotes the key: %v", p.Key, p.Args)
			}
			if p.Line < 1 || p.Line > lines(text) {
				t.Errorf("%s in line %d of %d", p.Key, p.Line, lines(text))
			}
			told += count(says([]businessaccount.Problem{p}, "no_arrow", "no_name", "unknown", "unknown_hidden", "twice", "empty", "days"))
		}
		entries := 0
		for e := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(";\n\r", r) }) {
			blank := strings.TrimFunc(e, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }) == ""
			entries += count(!blank)
		}
		if understood+told != entries {
			t.Errorf("of %d entries %d were understood and %d complained of: %q: %v", entries, understood, told, text, problems(reading.Problems))
		}
		shown, _ := businessaccount.Redact(text)
		if again := stored().Read(shown); strings.Contains(shown, secret[:4]) || lines(shown) != lines(text) || reading.Failed() && !again.Failed() {
			t.Errorf("%q is shown as %q", text, shown)
		}
		if twice, _ := businessaccount.Redact(shown); twice != shown {
			t.Errorf("shown as %q, then as %q", shown, twice)
		}
	})
}

// count is how many of these are true.
func count(these ...bool) int {
	n := 0
	for _, is := range these {
		if is {
			n++
		}
	}
	return n
}

// says tells that there is a problem with one of these names.
func says(ps []businessaccount.Problem, names ...string) bool {
	return slices.ContainsFunc(ps, func(p businessaccount.Problem) bool {
		return slices.Contains(names, p.Key[strings.LastIndex(p.Key, ".")+1:])
	})
}

func lines(text string) int {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return 1 + strings.Count(text, "\n") + strings.Count(text, "\r")
}
