package secretbox

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const keySize = 32

// Open reads the key file and returns its box. A missing file is
// fs.ErrNotExist: whoever calls decides whether that is a first start, which
// may [Create] one, or a disaster.
func Open(keyFile string) (*Box, error) {
	text, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	key, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(key) != keySize {
		// The decoder's error would quote from the key.
		return nil, fmt.Errorf("reading the key file %s: it must hold %d bytes in base64", keyFile, keySize)
	}
	return newBox(key)
}

// Create makes a new key file, readable by its owner only, and the folder if
// there is none. It is there in full or not at all, also after a power cut. A
// file that exists is never overwritten: that is fs.ErrExist.
func Create(keyFile string) (*Box, error) {
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails: see crypto/rand
	if err := write(keyFile, []byte(base64.StdEncoding.EncodeToString(key)+"\n")); err != nil {
		return nil, fmt.Errorf("making the key file: %w", err)
	}
	return newBox(key)
}

func write(name string, content []byte) (err error) {
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	// A link, unlike a renaming, never replaces what is there.
	if err := os.Link(f.Name(), name); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
