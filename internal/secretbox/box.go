package secretbox

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// Why a sealed value does not open, for errors.Is.
var (
	// ErrOtherKey means that it was sealed with another key file.
	ErrOtherKey = errors.New("sealed with another key")
	// ErrBroken means that it was damaged, forged, or sealed for another context.
	ErrBroken = errors.New("damaged or sealed for another place")
)

// A sealed value is: version (1 byte), key id (4), nonce (12), ciphertext, tag
// (16). The version, the key id and the context are authenticated, too.
const (
	version    = 1
	keyIDSize  = 4
	headerSize = 1 + keyIDSize
)

// Box seals and opens secrets with AES-256-GCM. It is safe for concurrent use.
type Box struct {
	aead        cipher.AEAD
	fingerprint []byte
	root        []byte // of derived keys
}

// newBox derives what it needs from the key, so that nothing that is shown or
// stored was computed with the sealing key itself.
func newBox(key []byte) (*Box, error) {
	sealing, err := derive(key, "seal", keySize)
	if err != nil {
		return nil, fmt.Errorf("deriving the sealing key: %w", err)
	}
	fingerprint, err := derive(key, "fingerprint", 8)
	if err != nil {
		return nil, fmt.Errorf("deriving the fingerprint: %w", err)
	}
	root, err := derive(key, "derive", keySize)
	if err != nil {
		return nil, fmt.Errorf("deriving the root of other keys: %w", err)
	}
	block, err := aes.NewCipher(sealing)
	if err != nil {
		return nil, fmt.Errorf("preparing AES: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("preparing GCM: %w", err)
	}
	return &Box{aead: aead, fingerprint: fingerprint, root: root}, nil
}

// Fingerprint names the key without giving it away. Kept beside the data, it
// tells at start whether the key file is the one that the data was sealed with.
func (b *Box) Fingerprint() string { return hex.EncodeToString(b.fingerprint) }

// Format writes the fingerprint, whatever the verb: a printed box must not show
// its keys.
func (b *Box) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "secretbox "+b.Fingerprint()) }

// Seal makes plaintext unreadable. It opens again with the same context only,
// which should name the place where the value is stored.
func (b *Box) Seal(plaintext []byte, context string) ([]byte, error) {
	header := append([]byte{version}, b.fingerprint[:keyIDSize]...)
	return b.aead.Seal(header, nil, plaintext, additional(header, context)), nil
}

// Open returns what was sealed for context: else [ErrOtherKey] or [ErrBroken].
func (b *Box) Open(sealed []byte, context string) ([]byte, error) {
	if len(sealed) < headerSize+b.aead.Overhead() || sealed[0] != version {
		return nil, fmt.Errorf("opening the secret of %s: %w", context, ErrBroken)
	}
	header, rest := sealed[:headerSize], sealed[headerSize:]
	if string(header[1:]) != string(b.fingerprint[:keyIDSize]) {
		return nil, fmt.Errorf("opening the secret of %s: %w", context, ErrOtherKey)
	}
	plaintext, err := b.aead.Open(nil, nil, rest, additional(header, context))
	if err != nil {
		return nil, fmt.Errorf("opening the secret of %s: %w", context, ErrBroken)
	}
	return plaintext, nil
}

// additional is what is authenticated but not stored a second time.
func additional(header []byte, context string) []byte {
	return append(append([]byte(nil), header...), context...)
}

// SealSecret is [Box.Seal] for a [Secret].
func (b *Box) SealSecret(s Secret, context string) ([]byte, error) {
	return b.Seal([]byte(s.Reveal()), context)
}

// OpenSecret is [Box.Open] for a [Secret].
func (b *Box) OpenSecret(sealed []byte, context string) (Secret, error) {
	plaintext, err := b.Open(sealed, context)
	if err != nil {
		return Secret{}, err
	}
	return NewSecret(string(plaintext)), nil
}
