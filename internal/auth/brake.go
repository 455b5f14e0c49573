package auth

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/fault"
)

// How guessing is slowed down. An address may fail more often than an e-mail: a whole
// office may share it, and a success of one says nothing about the others.
const (
	emailLimit   = 5
	addressLimit = 20
	firstBlock   = 30 * time.Second
	longestBlock = 15 * time.Minute // not longer: anybody can block somebody else's e-mail
	forgetAfter  = 24 * time.Hour
)

// Blocked says how long no log-in is tried. It is the cause of the fault.TooMany.
type Blocked struct{ Wait time.Duration }

func (b *Blocked) Error() string {
	return fmt.Sprintf("too many failures, blocked for another %s", b.Wait)
}

// guesses is a counter of failures.
type guesses struct {
	key   string
	limit int64 // failures in a row that start the first block
}

// emailGuesses keeps the e-mail as a hash: people type passwords into that field, too.
func emailGuesses(email string) []guesses {
	return []guesses{{"email:" + hashToken(email), emailLimit}}
}

// addressGuesses counts an IPv6 network of 64 bits as one address: who has one has all
// of it. What is no address is not counted.
func addressGuesses(remoteIP string) []guesses {
	ip, err := netip.ParseAddr(remoteIP)
	if err != nil {
		return nil
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		network, _ := ip.Prefix(64) // 64 bits always fit
		return []guesses{{"ip:" + network.String(), addressLimit}}
	}
	return []guesses{{"ip:" + ip.String(), addressLimit}}
}

// countGuess counts a failure before the password is looked at, so that many guesses
// at the same moment are no way around the limit, and refuses while there is a block.
func (s *Service) countGuess(ctx context.Context, all []guesses) error {
	now := s.clock.Now()
	for _, g := range all { // a flood is to be refused without taking a lock
		if err := blocked(s.db.Read(ctx), g, now); err != nil {
			return err
		}
	}
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		for _, g := range all {
			if err := g.count(tx, now); err != nil {
				return err
			}
		}
		return nil
	})
}

func (g guesses) count(tx *gorm.DB, now time.Time) error {
	var failures int64
	res := tx.Raw(`INSERT INTO login_failures (key, failures, last_at) VALUES (?, 1, ?)
		ON CONFLICT (key) DO UPDATE SET last_at = excluded.last_at,
			failures = CASE WHEN login_failures.last_at < ? THEN 1 ELSE login_failures.failures + 1 END
		WHERE login_failures.blocked_until IS NULL OR login_failures.blocked_until <= ?
		RETURNING failures`, g.key, now, now.Add(-forgetAfter), now).Scan(&failures)
	if res.Error != nil {
		return fmt.Errorf("count a log-in: %w", res.Error)
	}
	if failures == 0 { // nothing was counted: blocked since we looked
		return blocked(tx, g, now)
	}
	if failures < g.limit {
		return nil
	}
	err := tx.Exec("UPDATE login_failures SET blocked_until = ? WHERE key = ?", now.Add(blockAfter(failures-g.limit)), g.key).Error
	if err != nil {
		return fmt.Errorf("block log-ins: %w", err)
	}
	return nil
}

// blockAfter is the length of a block: 30 s, doubled with each further failure.
func blockAfter(further int64) time.Duration {
	d := firstBlock
	for ; further > 0 && d < longestBlock; further-- {
		d *= 2
	}
	return min(d, longestBlock)
}

func blocked(tx *gorm.DB, g guesses, now time.Time) error {
	var until []time.Time
	err := tx.Table("login_failures").Where("key = ? AND blocked_until > ?", g.key, now).Pluck("blocked_until", &until).Error
	if err != nil {
		return fmt.Errorf("read the block of log-ins: %w", err)
	}
	if len(until) == 0 {
		return nil
	}
	wait := until[0].Sub(now)
	minutes := int((wait + time.Minute - 1) / time.Minute)
	return fault.Wrap(&Blocked{Wait: wait}, fault.TooMany, "auth.error.too_many", "Count", minutes)
}

// forgive takes back what countGuess counted, after the right password: an e-mail
// starts anew, an address only loses this one, with the block that it may have begun.
func forgive(tx *gorm.DB, all []guesses) error {
	for _, g := range all {
		var err error
		if g.limit == emailLimit {
			err = tx.Exec("DELETE FROM login_failures WHERE key = ?", g.key).Error
		} else {
			err = tx.Exec("UPDATE login_failures SET failures = failures - 1, blocked_until = NULL WHERE key = ?", g.key).Error
		}
		if err != nil {
			return fmt.Errorf("take back a counted log-in: %w", err)
		}
	}
	return nil
}
