package businessaccount

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"zahlwerk/internal/klarna"
	"zahlwerk/internal/secretbox"
)

// ErrNoAccess says that an account has no access data.
var ErrNoAccess = errors.New("the business account has no access data")

// Call is a call of Klarna's API; the name is here for those who know accounts but not
// Klarna.
type Call = klarna.Call

func sealContext(id int64) string { return "business_account:" + strconv.FormatInt(id, 10) + ":access" }

// credentials are what is sealed of an account.
type credentials struct {
	User string `json:"user"`
	Key  string `json:"key"`
}

// complete puts what is stored in the place of what the reading keeps.
func (s *Service) complete(a *Account, r *Reading) error {
	if !r.KeepsUser && !r.KeepsKey {
		return nil
	}
	c, err := s.open(a)
	if err != nil {
		return err
	}
	if r.KeepsUser {
		r.User = c.User
	}
	if r.KeepsKey {
		r.Key = secretbox.NewSecret(c.Key)
	}
	return nil
}

// seal stores what was read; what is the same already stays as it is. A reading of
// nothing takes the access data away.
func (s *Service) seal(a *Account, r Reading) error {
	a.Days = r.Days
	if r.User == "" {
		if a.HasAccess() {
			a.Access, a.UserHint = nil, ""
			a.AccessVersion++
		}
		return nil
	}
	read := credentials{User: r.User, Key: r.Key.Reveal()}
	if old, err := s.open(a); err == nil && old == read {
		return nil
	}
	plain, err := json.Marshal(read)
	if err != nil {
		return fmt.Errorf("write the access data: %w", err)
	}
	if a.Access, err = s.box.Seal(plain, sealContext(a.ID)); err != nil {
		return fmt.Errorf("seal the access data: %w", err)
	}
	a.UserHint = hint(r.User)
	a.AccessVersion++
	return nil
}

func (s *Service) open(a *Account) (credentials, error) {
	var c credentials
	if !a.HasAccess() {
		return c, ErrNoAccess
	}
	plain, err := s.box.Open(a.Access, sealContext(a.ID))
	if err != nil {
		return c, fmt.Errorf("open the access data of business account %s: %w", a.ShortName, err)
	}
	if err := json.Unmarshal(plain, &c); err != nil {
		return c, fmt.Errorf("read the access data of business account %s: they are no JSON", a.ShortName) // json's error would quote from it
	}
	return c, nil
}

// mark is the same for the same user at the same host and tells nothing else; "" for none.
func (s *Service) mark(user string, r klarna.Region, e klarna.Environment) (string, error) {
	if user == "" {
		return "", nil
	}
	key, err := s.box.Derive("business_account:access_mark", sha256.Size)
	if err != nil {
		return "", fmt.Errorf("derive the key of access marks: %w", err)
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte(strings.Join([]string{user, string(r), string(e)}, "\x00")))
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Settlements returns Klarna's Settlements API as the account sees it; [ErrNoAccess]
// without access data.
func (s *Service) Settlements(a *Account) (*klarna.Settlements, error) {
	c, err := s.open(a)
	if err != nil {
		return nil, err
	}
	t := klarna.NewTarget(klarna.Endpoint{Region: a.Region, Environment: a.Environment}, c.User, c.Key)
	return s.client.Settlements(t), nil
}

// Verdict is the answer of "Check connection", in one word (message key
// "business_account.check."+verdict).
type Verdict string

// The verdicts.
const (
	VerdictOK           Verdict = "ok"
	VerdictMissing      Verdict = "missing"      // no access data
	VerdictUnauthorized Verdict = "unauthorized" // user, key, region or environment is wrong
	VerdictForbidden    Verdict = "forbidden"    // known, but not allowed to read payouts
	VerdictTooMany      Verdict = "too_many"
	VerdictNoAnswer     Verdict = "no_answer"
	VerdictUnexpected   Verdict = "unexpected"
)

// Check is what "Check connection" found out.
type Check struct {
	Verdict Verdict
	// Hints are further keys below "business_account.check.hint.": what is probably wrong.
	Hints []string
	// Payout is one of those that Klarna has, nil if there is none; Payouts is how many
	// there are, where Klarna says so.
	Payout  *klarna.Payout
	Payouts *int64
	Call    Call
}

// Check asks Klarna for one payout: whether the access data are good for what they are
// needed for. It changes nothing.
func (s *Service) Check(ctx context.Context, id int64) (Check, error) {
	a, err := s.Find(ctx, id)
	if err != nil {
		return Check{}, err
	}
	api, err := s.Settlements(a)
	if errors.Is(err, ErrNoAccess) {
		return Check{Verdict: VerdictMissing}, nil
	}
	if err != nil {
		return Check{}, err
	}
	page, call, err := api.Payouts(ctx, klarna.PayoutQuery{Page: klarna.Page{Size: 1}})
	c := Check{Verdict: verdict(err), Call: call}
	if page != nil {
		c.Payouts = page.Pagination.Total
		if len(page.Payouts) > 0 {
			c.Payout = &page.Payouts[0]
		}
	}
	if c.Verdict == VerdictUnauthorized {
		if c.Hints, err = s.hints(a); err != nil {
			return c, err
		}
	}
	return c, nil
}

func verdict(err error) Verdict {
	if e, ok := errors.AsType[*klarna.Error](err); ok && e.Status == http.StatusForbidden {
		return VerdictForbidden // whatever its code is: here it is never about an order
	}
	switch klarna.Classify(err) {
	case klarna.OK:
		return VerdictOK
	case klarna.Unauthorized:
		return VerdictUnauthorized
	case klarna.TooFast:
		return VerdictTooMany
	case klarna.Unknown:
		return VerdictNoAnswer
	}
	return VerdictUnexpected
}

// What is probably wrong, below "business_account.check.hint.".
const (
	hintEnvironment = "environment"
	hintRegion      = "region"
	hintRetype      = "retype"
)

// Doubts says which of the settings in an input its access data do not look like, as keys
// below "business_account.check.hint."; a is the account that they are for. It asks nobody
// and only ever hints: Klarna promises no form of users and keys.
func (s *Service) Doubts(a *Account, in Input) ([]string, error) {
	r := a.Read(in.Access)
	if err := s.complete(a, &r); err != nil {
		return nil, err
	}
	return credentials{User: r.User, Key: r.Key.Reveal()}.doubts(in.Region, in.Environment), nil
}

func (c credentials) doubts(r klarna.Region, e klarna.Environment) []string {
	var found []string
	if of, known := klarna.PasswordEnvironment(c.Key); known && of != e {
		found = append(found, hintEnvironment)
	}
	if of, known := klarna.UsernameRegion(c.User); known && of != r {
		found = append(found, hintRegion)
	}
	return found
}

// hints says what is probably wrong after Klarna refused the access data. Now even the
// weakest sign counts: users of the older kind begin with a P in the playground, and
// without one live.
func (s *Service) hints(a *Account) ([]string, error) {
	c, err := s.open(a)
	if err != nil {
		return nil, err
	}
	found := c.doubts(a.Region, a.Environment)
	_, keyTells := klarna.PasswordEnvironment(c.Key)
	_, older := klarna.UsernameRegion(c.User)
	if older && !keyTells && strings.HasPrefix(c.User, "P") != (a.Environment == klarna.Playground) {
		found = append(found, hintEnvironment)
	}
	return append(found, hintRetype), nil
}
