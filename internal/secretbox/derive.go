package secretbox

import (
	"crypto/hkdf"
	"crypto/sha256"
)

// Derive returns a key of n bytes for another purpose, which tells nothing about the
// key of the box or about keys for other purposes.
func (b *Box) Derive(purpose string, n int) ([]byte, error) {
	return derive(b.root, purpose, n)
}

func derive(root []byte, info string, n int) ([]byte, error) {
	return hkdf.Key(sha256.New, root, nil, info, n)
}
