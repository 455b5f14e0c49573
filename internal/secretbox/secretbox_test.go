package secretbox_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"zahlwerk/internal/secretbox"
)

const (
	plain = "not-a-real-password"
	place = "payment_method:3:password"
)

func TestSealAndOpen(t *testing.T) {
	t.Parallel()
	box := create(t)
	for _, text := range []string{plain, "", "•ü\x00$*", strings.Repeat("x", 1<<16)} {
		sealed, err := box.SealSecret(secretbox.NewSecret(text), place)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 4 && bytes.Contains(sealed, []byte(text)) {
			t.Errorf("%.20q can be read in the sealed value", text)
		}
		got, err := box.OpenSecret(sealed, place)
		if err != nil || got.Reveal() != text {
			t.Errorf("opened %.20q, %v; want %.20q", got.Reveal(), err, text)
		}
	}
}

func TestSealingTwiceDiffers(t *testing.T) {
	t.Parallel()
	box := create(t)
	if bytes.Equal(seal(t, box), seal(t, box)) {
		t.Error("the same secret was sealed to the same bytes twice")
	}
}

func TestAnotherPlaceDoesNotOpen(t *testing.T) {
	t.Parallel()
	box := create(t)
	sealed := seal(t, box)
	for _, context := range []string{"payment_method:4:password", "", place + " "} {
		if got, err := box.Open(sealed, context); !errors.Is(err, secretbox.ErrBroken) || got != nil {
			t.Errorf("opened for %q: %q, %v", context, got, err)
		}
	}
}

func TestAnyChangedByteIsNoticed(t *testing.T) {
	t.Parallel()
	box := create(t)
	sealed := seal(t, box)
	for i := range sealed {
		changed := slices.Clone(sealed)
		changed[i] ^= 1
		_, err := box.Open(changed, place)
		if want := map[bool]error{true: secretbox.ErrOtherKey, false: secretbox.ErrBroken}[i >= 1 && i <= 4]; !errors.Is(err, want) {
			t.Errorf("byte %d changed: %v, want %v", i, err, want)
		}
		if _, err := box.Open(sealed[:i], place); err == nil {
			t.Errorf("the first %d bytes opened", i)
		}
	}
}

func TestAnotherKeyDoesNotOpen(t *testing.T) {
	t.Parallel()
	sealed, other := seal(t, create(t)), create(t)
	if _, err := other.Open(sealed, place); !errors.Is(err, secretbox.ErrOtherKey) {
		t.Errorf("err = %v, want ErrOtherKey", err)
	}
}

func TestErrorsKeepTheSecret(t *testing.T) {
	t.Parallel()
	box := create(t)
	_, err := box.Open([]byte(plain+plain+plain), place)
	if err == nil || strings.Contains(err.Error(), plain) || !strings.Contains(err.Error(), place) {
		t.Errorf("err = %v; want the place and not the bytes", err)
	}

	const badKey = "bm90LXRoZS1yaWdodC1sZW5ndGg="
	name := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(name, []byte(badKey), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := secretbox.Open(name); err == nil || strings.Contains(err.Error(), badKey) {
		t.Errorf("err = %v; want one without the key", err)
	}
}

func TestKeyFile(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data", "keys")
	name := filepath.Join(dir, "secret.key")
	if _, err := secretbox.Open(name); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("opening a missing file: %v", err)
	}
	made, err := secretbox.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]fs.FileMode{name: 0o600, dir: 0o700 | fs.ModeDir} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %s, want %s", path, info.Mode(), want)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v; want the key only", entries, err)
	}

	read, err := secretbox.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := read.Open(seal(t, made), place); err != nil || string(got) != plain {
		t.Errorf("read again, the key opens %q, %v", got, err)
	}
	if read.Fingerprint() != made.Fingerprint() || len(made.Fingerprint()) != 16 {
		t.Errorf("fingerprints %q and %q", made.Fingerprint(), read.Fingerprint())
	}
	if other := create(t); other.Fingerprint() == made.Fingerprint() {
		t.Error("two keys have the same fingerprint")
	}

	if _, err := secretbox.Create(name); !errors.Is(err, fs.ErrExist) {
		t.Errorf("making it again: %v, want fs.ErrExist", err)
	}
	if again, err := secretbox.Open(name); err != nil || again.Fingerprint() != made.Fingerprint() {
		t.Errorf("making it again changed the key: %v", err)
	}
}

func TestKeyFileByHand(t *testing.T) {
	t.Parallel()
	key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	for content, ok := range map[string]bool{
		key: true, key + "\r\n": true, " " + key + "\n\n": true,
		"": false, "\n": false, key + key: false, key[:40]: false, "!" + key[1:]: false,
	} {
		name := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := secretbox.Open(name); (err == nil) != ok {
			t.Errorf("%q: %v, want ok %t", content, err, ok)
		}
	}
}

func TestFolderThatCannotBeMade(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := secretbox.Create(filepath.Join(file, "key")); err == nil {
		t.Error("a key was made inside a file")
	}
}

func TestDerive(t *testing.T) {
	t.Parallel()
	box, other := create(t), create(t)
	seen := map[string]string{}
	for name, tc := range map[string]struct {
		box     *secretbox.Box
		purpose string
	}{
		"sessions": {box, "sessions"}, "tokens": {box, "tokens"}, "another box": {other, "sessions"},
		"the name of the box's own fingerprint": {box, "fingerprint"},
	} {
		key, err := tc.box.Derive(tc.purpose, 8)
		if err != nil || len(key) != 8 {
			t.Fatalf("%s: %x, %v", name, key, err)
		}
		if again, _ := tc.box.Derive(tc.purpose, 8); !bytes.Equal(key, again) {
			t.Errorf("%s: not the same twice", name)
		}
		if twin, ok := seen[string(key)]; ok || fmt.Sprintf("%x", key) == tc.box.Fingerprint() {
			t.Errorf("%s has the key of %s", name, twin)
		}
		seen[string(key)] = name
	}
}

func TestABoxPrintsItsFingerprintOnly(t *testing.T) {
	t.Parallel()
	box := create(t)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if got := fmt.Sprintf(verb, box); got != "secretbox "+box.Fingerprint() {
			t.Errorf("%s: %s", verb, got)
		}
	}
}

func TestSecretDoesNotLeak(t *testing.T) {
	t.Parallel()
	s := secretbox.NewSecret(plain)
	type inner struct{ hidden secretbox.Secret }
	type outer struct {
		Shown   secretbox.Secret
		Pointer *secretbox.Secret
		inner   inner
		List    []secretbox.Secret
		Map     map[string]secretbox.Secret
	}
	o := outer{s, &s, inner{s}, []secretbox.Secret{s}, map[string]secretbox.Secret{"a": s}}

	var printed []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10s", "%t"} {
		for _, v := range []any{s, &s, o, &o, o.inner} {
			printed = append(printed, fmt.Sprintf(verb, v))
		}
	}
	encoded, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "s", s, "o", o, "p", &s)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "s", s, "o", o, "p", &s)
	text, _ := s.MarshalText()
	printed = append(printed, string(encoded), log.String(), string(text), s.String(), s.GoString(), fmt.Sprint(s), fmt.Errorf("x: %v", s).Error())

	for _, p := range printed {
		if strings.Contains(p, plain) || strings.Contains(strings.ToLower(p), fmt.Sprintf("%x", plain)) {
			t.Errorf("the secret is in %q", p)
		}
	}
	if got := fmt.Sprint(s); got != "••••" {
		t.Errorf("printed as %q", got)
	}
}

func TestSecretReveals(t *testing.T) {
	t.Parallel()
	var none secretbox.Secret
	if none.Reveal() != "" || !none.IsEmpty() || !secretbox.NewSecret("").IsEmpty() {
		t.Error("the zero value is not empty")
	}
	if s := secretbox.NewSecret(plain); s.Reveal() != plain || s.IsEmpty() {
		t.Error("a secret lost its text")
	}
}

func FuzzOpen(f *testing.F) {
	box, err := secretbox.Create(filepath.Join(f.TempDir(), "key"))
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := box.Seal([]byte(plain), place)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add([]byte{})
	f.Add([]byte{1, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := box.Open(b, place); err == nil && !bytes.Equal(b, sealed) {
			t.Errorf("%x opened as %q", b, got)
		}
	})
}

func create(t *testing.T) *secretbox.Box {
	t.Helper()
	box, err := secretbox.Create(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func seal(t *testing.T, box *secretbox.Box) []byte {
	t.Helper()
	sealed, err := box.Seal([]byte(plain), place)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}
