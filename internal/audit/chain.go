package audit

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// link is an entry as it stands in the chain: with the changes as stored, byte by
// byte, and the hash of the entry before.
type link struct {
	ID       int64
	At       time.Time
	Actor    string
	Action   string
	Subject  string
	Changes  string
	PrevHash string
	Hash     string
}

func (link) TableName() string { return Entry{}.TableName() }

// sum is the SHA-256, in hex, over a JSON list of strings: the hash before, the time
// as RFC 3339 in UTC with microseconds, actor, action, subject and the stored changes.
// It depends on nothing that differs between databases, so a copied log stays whole.
func (l link) sum() string {
	canonical, err := json.Marshal([]string{
		l.PrevHash, l.At.UTC().Format("2006-01-02T15:04:05.000000Z"),
		l.Actor, l.Action, l.Subject, l.Changes,
	})
	if err != nil {
		panic(err) // strings can always be written as JSON
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}

// The ways in which a chain breaks.
const (
	Altered  = "altered"  // the entry no longer says what was written
	Unlinked = "unlinked" // what stood before the entry was removed, or it was slipped in
	Cut      = "cut"      // what stood after the entry was removed
)

// Break is the first place where the chain does not hold.
type Break struct {
	ID     int64 // of the entry; 0 when all entries are gone
	Reason string
}

// Verify walks the whole chain, one entry in memory at a time, and returns how many
// entries hold and where it breaks, nil if it is whole. Entries may be added meanwhile.
func (t *Trail) Verify(ctx context.Context) (intact int64, broken *Break, err error) {
	// One statement: entries and the end of the chain belong to the same moment.
	rows, err := t.db.Read(ctx).Raw(`SELECT h.hash AS head, e.id, e.at, e.actor, e.action, e.subject, e.changes, e.prev_hash, e.hash
		FROM audit_heads h LEFT JOIN audit_entries e ON TRUE WHERE h.chain = ? ORDER BY e.id`, chain).Rows()
	if err != nil {
		return 0, nil, fmt.Errorf("read the log: %w", err)
	}
	defer rows.Close()
	intact, broken, err = walk(rows)
	if err != nil {
		return 0, nil, fmt.Errorf("read the log: %w", err)
	}
	return intact, broken, nil
}

func walk(rows *sql.Rows) (intact int64, broken *Break, err error) {
	var head string
	var last link
	found := false
	for rows.Next() {
		found = true
		l, err := scan(rows, &head)
		if err != nil {
			return 0, nil, err
		}
		switch {
		case l == nil: // the end of the chain without any entry
			continue
		case l.PrevHash != last.Hash:
			return intact, &Break{ID: l.ID, Reason: Unlinked}, nil
		case l.sum() != l.Hash:
			return intact, &Break{ID: l.ID, Reason: Altered}, nil
		}
		intact++
		last = *l
	}
	if err := rows.Err(); err != nil {
		return 0, nil, err
	}
	if !found || head != last.Hash {
		return intact, &Break{ID: last.ID, Reason: Cut}, nil
	}
	return intact, nil, nil
}

// scan reads one row of the outer join; the entry is nil while the log is empty.
func scan(rows *sql.Rows, head *string) (*link, error) {
	var id sql.NullInt64
	var at sql.NullTime
	var actor, action, subject, changes, prev, hash sql.NullString
	err := rows.Scan(head, &id, &at, &actor, &action, &subject, &changes, &prev, &hash)
	if err != nil || !id.Valid {
		return nil, err
	}
	return &link{
		ID: id.Int64, At: at.Time, Actor: actor.String, Action: action.String, Subject: subject.String,
		Changes: changes.String, PrevHash: prev.String, Hash: hash.String,
	}, nil
}
