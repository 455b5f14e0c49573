package settlement

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"zahlwerk/internal/klarna"
)

// fingerprint is a hash of what a line is: what tells it from all others that are not its
// equals. The account and the payout are part of it.
type fingerprint [sha256.Size]byte

func fingerprintOf(accountID int64, reference string, t *klarna.Transaction) fingerprint {
	b := make([]byte, 0, 256)
	text := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	b = binary.AppendVarint(b, accountID)
	text(reference)
	text(string(t.Type))
	text(t.DetailedType)
	text(t.OrderID)
	text(t.CaptureID)
	text(t.RefundID)
	b = binary.AppendVarint(b, t.Amount)
	if t.CaptureDate.IsZero() {
		text("")
	} else {
		text(t.CaptureDate.UTC().Format(time.RFC3339Nano))
	}
	return sha256.Sum256(b)
}

// identity is as much of the hash as no two lines will ever share.
func (f fingerprint) identity() string { return base64.RawURLEncoding.EncodeToString(f[:18]) }

// digest is the sum of the fingerprints of many lines: the same for the same lines, in
// whatever order they came.
type digest [4]uint64

func parseDigest(s string) (d digest) {
	b, _ := base64.RawURLEncoding.DecodeString(s) // ours, or empty
	for i := 0; i < len(d) && len(b) >= 8*(i+1); i++ {
		d[i] = binary.BigEndian.Uint64(b[8*i:])
	}
	return d
}

func (d *digest) add(f fingerprint) {
	for i := range d {
		d[i] += binary.BigEndian.Uint64(f[8*i:])
	}
}

func (d *digest) String() string {
	var b []byte
	for _, part := range d {
		b = binary.BigEndian.AppendUint64(b, part)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}
