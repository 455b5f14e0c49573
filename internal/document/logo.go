package document

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/draw"
	"gorm.io/gorm"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/store"
)

const logoSetting = "company_logo"

// Limits of a logo as it comes: bytes, and pixels a side, since a small file can hold a
// huge picture.
const (
	MaxLogo     = 512 << 10
	maxLogoSide = 4000
)

// What is kept of a logo: as many pixels as its place on paper shows at 300 to the inch,
// because every paper carries it.
const (
	logoPixelsWide = 720
	logoPixelsHigh = 270
	logoQuality    = 92
)

// Logo is the company's logo as papers carry it.
type Logo struct {
	Type string `json:"type"` // png or jpeg
	Data []byte `json:"data"`
}

// ContentType is the logo's media type.
func (l *Logo) ContentType() string { return "image/" + l.Type }

// LogoChange is what becomes of the logo. The zero value leaves it.
type LogoChange struct {
	Data   []byte // the new one, PNG or JPEG
	Remove bool
}

// check returns the logo to be kept from now on, empty for none, nil to leave it.
func (c LogoChange) check(f *fault.Checker) *Logo {
	switch {
	case len(c.Data) > MaxLogo:
		f.Add("logo", "document.error.logo_large", "Max", MaxLogo>>10)
		return nil
	case len(c.Data) > 0:
		l, err := readLogo(c.Data)
		if err != nil {
			f.Add("logo", "document.error.logo")
			return nil
		}
		return l
	case c.Remove:
		return &Logo{}
	}
	return nil
}

// readLogo reads a picture as it was uploaded and writes it anew: no larger than papers
// need it, and with nothing in it but the picture.
func readLogo(data []byte) (*Logo, error) {
	size, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if format != "png" && format != "jpeg" || size.Width > maxLogoSide || size.Height > maxLogoSide || size.Width*size.Height == 0 {
		return nil, fmt.Errorf("a %s of %d by %d", format, size.Width, size.Height)
	}
	picture, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	kept := image.NewNRGBA(fit(picture.Bounds()))
	draw.CatmullRom.Scale(kept, kept.Bounds(), picture, picture.Bounds(), draw.Src, nil)
	var b bytes.Buffer
	if format == "jpeg" {
		err = jpeg.Encode(&b, kept, &jpeg.Options{Quality: logoQuality})
	} else {
		err = png.Encode(&b, kept)
	}
	if err != nil {
		return nil, err
	}
	return &Logo{Type: format, Data: b.Bytes()}, nil
}

// fit is the largest size of a picture's shape that papers need; no picture grows.
func fit(r image.Rectangle) image.Rectangle {
	w, h := r.Dx(), r.Dy()
	if w > logoPixelsWide {
		w, h = logoPixelsWide, max(h*logoPixelsWide/w, 1)
	}
	if h > logoPixelsHigh {
		w, h = max(w*logoPixelsHigh/h, 1), logoPixelsHigh
	}
	return image.Rect(0, 0, w, h)
}

// Logo returns the company's logo, nil when there is none.
func (s *Service) Logo(ctx context.Context) (*Logo, error) { return logo(s.db.Read(ctx)) }

func logo(tx *gorm.DB) (*Logo, error) {
	value, err := store.Setting(tx, logoSetting)
	if err != nil || value == "" {
		return nil, err
	}
	var l Logo
	if err := json.Unmarshal([]byte(value), &l); err != nil {
		return nil, fmt.Errorf("read the company's logo: %w", err)
	}
	return &l, nil
}

// replaceLogo keeps a logo, or none when it is empty. The log knows logos by their hash.
func replaceLogo(tx *gorm.DB, l Logo, changed *audit.Changes) error {
	before, err := logo(tx)
	if err != nil {
		return err
	}
	value := ""
	if len(l.Data) > 0 {
		b, err := json.Marshal(l)
		if err != nil {
			return fmt.Errorf("write the company's logo: %w", err)
		}
		value = string(b)
	}
	changed.Add("company_logo", before.mark(), l.mark())
	return store.SetSetting(tx, logoSetting, value)
}

// Version tells logos apart.
func (l *Logo) Version() string {
	sum := sha256.Sum256(l.Data)
	return hex.EncodeToString(sum[:4])
}

// mark is a logo in the log.
func (l *Logo) mark() string {
	if l == nil || len(l.Data) == 0 {
		return ""
	}
	return l.Type + " " + l.Version()
}
