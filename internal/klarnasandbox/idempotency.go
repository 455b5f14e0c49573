package klarnasandbox

import (
	"context"
	"sync"
	"time"
)

// keyLifetime is how long after the first attempt a key protects its operation.
const keyLifetime = 24 * time.Hour

// keyID is an idempotency key of a merchant. The operation, the order and the body are not
// part of it: only the key matters.
type keyID struct{ merchant, key string }

// attempt is what is known of a key.
type attempt struct {
	first  time.Time     // when the key was first seen, whatever came of it
	answer *answer       // the definitive answer, nil while there is none
	busy   chan struct{} // closed when the call that is under way has ended; nil if none is
}

// attemptStore remembers the keys of the last 24 hours.
type attemptStore struct {
	mu    sync.Mutex
	byKey map[keyID]*attempt
	swept time.Time
}

// see notes that the key was used now. It counts even if the call comes to nothing: the 24
// hours begin with the first attempt.
func (s *attemptStore) see(k keyID, now time.Time) {
	if k.key == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.find(k, now)
}

// keep stores a definitive answer that a fault gave, unless the key has one.
func (s *attemptStore) keep(k keyID, now time.Time, a answer) {
	if k.key == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := s.find(k, now); at.answer == nil {
		at.answer = &a
	}
}

// do runs the operation once per key: a key that has an answer gets it again, and while one
// call is under way the others wait for it. The error is ctx's.
func (s *attemptStore) do(ctx context.Context, k keyID, now func() time.Time, run func() answer) (answer, bool, error) {
	for {
		s.mu.Lock()
		at := s.find(k, now())
		if at.answer != nil {
			s.mu.Unlock()
			return *at.answer, true, nil
		}
		if at.busy == nil {
			at.busy = make(chan struct{})
			s.mu.Unlock()
			return s.finish(at, run), false, nil
		}
		busy := at.busy
		s.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return answer{}, false, ctx.Err()
		}
	}
}

// finish runs the operation of the attempt and lets the others go on.
func (s *attemptStore) finish(at *attempt, run func() answer) (a answer) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if at.answer == nil && a.definitive() {
			at.answer = &a
		}
		close(at.busy)
		at.busy = nil
	}()
	return run()
}

// find returns the attempt of a key, a new one if there is none of the last 24 hours.
func (s *attemptStore) find(k keyID, now time.Time) *attempt {
	s.sweep(now)
	at := s.byKey[k]
	if at == nil || at.over(now) {
		at = &attempt{first: now}
		s.byKey[k] = at
	}
	return at
}

func (a *attempt) over(now time.Time) bool {
	return a.busy == nil && now.Sub(a.first) >= keyLifetime
}

// sweep forgets what is over, every minute at most.
func (s *attemptStore) sweep(now time.Time) {
	if s.byKey == nil {
		s.byKey = map[keyID]*attempt{}
	}
	if age := now.Sub(s.swept); age >= 0 && age < time.Minute {
		return
	}
	s.swept = now
	for k, at := range s.byKey {
		if at.over(now) {
			delete(s.byKey, k)
		}
	}
}
