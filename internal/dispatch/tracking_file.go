package dispatch

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/csvfile"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/store"
)

// KeepTrackingFiles is how long a file waits for somebody to name its columns.
const KeepTrackingFiles = 24 * time.Hour

// trackingPart is how much of a file is written and read at once.
const trackingPart = 512 << 10

// TrackingFile is a file of tracking numbers that a carrier's program wrote, kept until
// its columns are named.
type TrackingFile struct {
	ID        string
	Name      string
	CreatedBy string
	CreatedAt time.Time

	Table *csvfile.Table `gorm:"-"`
}

type trackingFilePart struct {
	FileID  string
	Part    int64
	Content []byte
}

// KeepTrackingFile keeps a file and returns its id. Errors: Invalid or TooLarge for what
// is no table.
func (s *Service) KeepTrackingFile(ctx context.Context, name string, src io.ReadSeeker, actor string) (id string, err error) {
	if _, err := csvfile.Open(src, csvfile.Options{}); err != nil {
		return "", err
	}
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return "", fmt.Errorf("keep a file of tracking numbers: %w", err)
	}
	f := TrackingFile{ID: rand.Text(), Name: name, CreatedBy: actor, CreatedAt: s.clock.Now()}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error { return tx.Create(&f).Error })
	for n, content := int64(0), make([]byte, trackingPart); err == nil; n++ {
		var size int
		size, err = io.ReadFull(src, content)
		if err == io.EOF {
			return f.ID, nil
		}
		if err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
			err = s.db.InTx(ctx, func(tx *gorm.DB) error { return tx.Create(&trackingFilePart{f.ID, n, content[:size]}).Error })
		}
	}
	return "", fmt.Errorf("keep a file of tracking numbers: %w", err)
}

// OpenTrackingFile returns a file that was kept; NotFound when it is imported or gone.
func (s *Service) OpenTrackingFile(ctx context.Context, id string) (*TrackingFile, error) {
	var f TrackingFile
	err := s.db.Read(ctx).Where("id = ?", id).Take(&f).Error
	if !store.Storable(id) || store.IsNotFound(err) {
		return nil, fault.New(fault.NotFound, "tracking.error.no_file")
	}
	if err == nil {
		f.Table, err = csvfile.Open(&parts{ctx: ctx, db: s.db, id: id, part: -1}, csvfile.Options{})
	}
	if err != nil {
		return nil, fmt.Errorf("open a file of tracking numbers: %w", err)
	}
	return &f, nil
}

func (s *Service) forgetTrackingFile(ctx context.Context, id string) error {
	return s.db.InTx(ctx, func(tx *gorm.DB) error { return tx.Where("id = ?", id).Delete(&TrackingFile{}).Error })
}

// SweepTrackingFiles removes files that nobody imported.
func (s *Service) SweepTrackingFiles(ctx context.Context) error {
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Where("created_at < ?", s.clock.Now().Add(-KeepTrackingFiles)).Delete(&TrackingFile{}).Error
	})
}

// parts reads a file that was kept, holding one part of it.
type parts struct {
	ctx     context.Context
	db      *store.DB
	id      string
	at      int64 // the place in the file
	part    int64 // that is held, -1 for none
	content []byte
}

func (p *parts) Read(b []byte) (int, error) {
	if part := p.at / trackingPart; part != p.part {
		content, err := p.read(part)
		if err != nil {
			return 0, err
		}
		p.part, p.content = part, content
	}
	from := p.at % trackingPart
	if from >= int64(len(p.content)) {
		return 0, io.EOF
	}
	n := copy(b, p.content[from:])
	p.at += int64(n)
	return n, nil
}

func (p *parts) read(part int64) ([]byte, error) {
	var found []trackingFilePart
	err := p.db.Read(p.ctx).Where("file_id = ? AND part = ?", p.id, part).Find(&found).Error
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0].Content, nil
}

// Seek moves to a place counted from the beginning or the end of the file.
func (p *parts) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
		p.at = offset
	case io.SeekEnd:
		var size int64
		err := p.db.Read(p.ctx).Raw("SELECT coalesce(sum(length(content)), 0) FROM tracking_file_parts WHERE file_id = ?", p.id).Scan(&size).Error
		if err != nil {
			return 0, err
		}
		p.at = size + offset
	default:
		return 0, errors.ErrUnsupported
	}
	return p.at, nil
}
