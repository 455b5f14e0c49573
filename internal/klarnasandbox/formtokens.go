package klarnasandbox

import "sync"

// keptTokens is how many sent forms are remembered.
const keptTokens = 4096

// formTokens remembers which forms were sent, so that sending one twice does nothing more.
type formTokens struct {
	mu   sync.Mutex
	seen map[string]bool
	ring []string
	next int
}

// first says whether the form of that token is sent for the first time; a form without a
// token always is.
func (f *formTokens) first(token string) bool {
	if token == "" || len(token) > 64 {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen[token] {
		return false
	}
	if f.seen == nil {
		f.seen, f.ring = map[string]bool{}, make([]string, keptTokens)
	}
	delete(f.seen, f.ring[f.next])
	f.ring[f.next] = token
	f.next = (f.next + 1) % keptTokens
	f.seen[token] = true
	return true
}
