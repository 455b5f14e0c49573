package bookkeeping

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/store"
)

const settingKey = "bookkeeping"

// Limits of the settings; those of numbers are DATEV's.
const (
	MinConsultant, MaxConsultant       = 1001, 9_999_999
	MinClient, MaxClient               = 1, 99_999
	MinAccountLength, MaxAccountLength = 4, 8
	MaxVATRate                         = 100_00 // hundredths of a per cent
)

// Role is what an account of the ledger is for.
type Role string

// The roles.
const (
	Clearing    Role = "clearing" // Klarna itself (Verrechnungskonto)
	Transit     Role = "transit"  // money between Klarna and the bank (Geldtransit)
	Sales       Role = "sale"     // debtors, or revenue
	Returns     Role = "return"
	Reversals   Role = "reversal"
	Fees        Role = "fee"
	FeeRefunds  Role = "fee_refund"
	Taxes       Role = "tax"
	Commissions Role = "commission"
	Charges     Role = "charge"
	Credits     Role = "credit"
	Holdbacks   Role = "holdback"
	Releases    Role = "release"
	Corrections Role = "correction"
	Unknown     Role = "unknown"    // types that Klarna has added
	Differences Role = "difference" // what the lines of a payout lack of it
)

// Roles lists all roles in the order in which people meet them.
func Roles() []Role {
	return []Role{Clearing, Transit, Sales, Returns, Reversals, Fees, FeeRefunds, Corrections, Taxes,
		Commissions, Charges, Credits, Holdbacks, Releases, Unknown, Differences}
}

// Settings are what an export needs to know of the ledger.
type Settings struct {
	Accounts      map[Role]string `json:"accounts"`
	Consultant    int             `json:"consultant"` // DATEV's Beraternummer; 0: not set
	Client        int             `json:"client"`     // Mandantennummer; 0: not set
	YearStart     int             `json:"year_start"` // the month in which the fiscal year begins
	AccountLength int             `json:"account_length"`
	FeeTaxKey     string          `json:"fee_tax_key"` // BU-Schlüssel of fees, their refunds and corrections
	VATRate       int64           `json:"vat_rate"`    // of § 13b, in hundredths of a per cent
	Language      string          `json:"language"`    // of texts in files
}

// Defaults are the settings until somebody changes them: there are no accounts that would
// be right for everybody.
func Defaults() Settings {
	return Settings{Accounts: map[Role]string{}, YearStart: 1, AccountLength: MinAccountLength, VATRate: 19_00, Language: i18n.German}
}

// Service writes exports.
type Service struct {
	db       *store.DB
	clock    *clock.Clock
	trail    *audit.Trail
	accounts *businessaccount.Service
}

// New returns the service.
func New(db *store.DB, clk *clock.Clock, trail *audit.Trail, accounts *businessaccount.Service) *Service {
	return &Service{db: db, clock: clk, trail: trail, accounts: accounts}
}

// Settings returns the settings.
func (s *Service) Settings(ctx context.Context) (Settings, error) { return settings(s.db.Read(ctx)) }

func settings(tx *gorm.DB) (Settings, error) {
	value, err := store.Setting(tx, settingKey)
	set := Defaults()
	if err == nil && value != "" {
		err = json.Unmarshal([]byte(value), &set)
	}
	if err != nil {
		return Settings{}, fmt.Errorf("read the settings of bookkeeping: %w", err)
	}
	return set, nil
}

// UpdateSettings changes the settings. Errors: Invalid at "accounts.ROLE" and at the names
// of the other fields.
func (s *Service) UpdateSettings(ctx context.Context, set Settings, actor string) error {
	set.normalise()
	if err := set.check(); err != nil {
		return err
	}
	value, err := json.Marshal(set)
	if err != nil {
		return fmt.Errorf("write the settings of bookkeeping: %w", err)
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		before, err := settings(tx)
		if err != nil {
			return err
		}
		changed := changes(before, set)
		if len(changed) == 0 {
			return nil
		}
		if err := store.SetSetting(tx, settingKey, string(value)); err != nil {
			return err
		}
		return s.trail.Append(tx, s.clock.Now(), actor, "bookkeeping.changed", "bookkeeping", changed)
	})
	if err != nil {
		return fmt.Errorf("change the settings of bookkeeping: %w", err)
	}
	return nil
}

// normalise trims what was typed and leaves out accounts that are not set.
func (set *Settings) normalise() {
	accounts := map[Role]string{}
	for _, role := range Roles() {
		if number := strings.TrimSpace(set.Accounts[role]); number != "" {
			accounts[role] = number
		}
	}
	set.Accounts, set.FeeTaxKey = accounts, strings.TrimSpace(set.FeeTaxKey)
}

var (
	digits = regexp.MustCompile(`^[0-9]+$`)
	taxKey = regexp.MustCompile(`^[0-9]{1,4}$`)
)

// check refuses what DATEV would. Nothing is required: an export says what it needs.
func (set *Settings) check() error {
	var f fault.Checker
	between := func(name string, n, low, high int) {
		if n < low || n > high {
			f.Add(name, "bookkeeping.error.number", "Min", strconv.Itoa(low), "Max", strconv.Itoa(high))
		}
	}
	length := set.AccountLength
	between("account_length", length, MinAccountLength, MaxAccountLength)
	if length < MinAccountLength || length > MaxAccountLength {
		length = 0
	}
	for _, role := range Roles() {
		number, ok := set.Accounts[role]
		name := "accounts." + string(role)
		switch {
		case !ok:
		case !digits.MatchString(number) || length > 0 && len(number) != length && len(number) != length+1:
			f.Add(name, "bookkeeping.error.account", "Length", strconv.Itoa(length), "Personal", strconv.Itoa(length+1))
		case strings.Trim(number, "0") == "":
			f.Add(name, "bookkeeping.error.account_zero")
		case role != Clearing && number == set.Accounts[Clearing]:
			f.Add(name, "bookkeeping.error.account_clearing")
		}
	}
	if set.Consultant != 0 {
		between("consultant", set.Consultant, MinConsultant, MaxConsultant)
	}
	if set.Client != 0 {
		between("client", set.Client, MinClient, MaxClient)
	}
	between("year_start", set.YearStart, 1, 12)
	if set.FeeTaxKey != "" && !taxKey.MatchString(set.FeeTaxKey) {
		f.Add("fee_tax_key", "bookkeeping.error.tax_key")
	}
	if set.VATRate < 0 || set.VATRate > MaxVATRate {
		f.Add("vat_rate", "bookkeeping.error.vat_rate")
	}
	if !i18n.Known(set.Language) {
		f.Add("language", "error.choice", "Value", set.Language)
	}
	return f.Err()
}

// changes lists what somebody changed, by the names of the fields.
func changes(before, after Settings) audit.Changes {
	var c audit.Changes
	number := func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	if !maps.Equal(before.Accounts, after.Accounts) {
		for _, role := range Roles() {
			c.Add("bookkeeping_account_"+string(role), before.Accounts[role], after.Accounts[role])
		}
	}
	c.Add("bookkeeping_consultant", number(before.Consultant), number(after.Consultant))
	c.Add("bookkeeping_client", number(before.Client), number(after.Client))
	c.Add("bookkeeping_year_start", number(before.YearStart), number(after.YearStart))
	c.Add("bookkeeping_account_length", number(before.AccountLength), number(after.AccountLength))
	c.Add("bookkeeping_fee_tax_key", before.FeeTaxKey, after.FeeTaxKey)
	c.Add("bookkeeping_vat_rate", decimal(before.VATRate, 2, '.'), decimal(after.VATRate, 2, '.'))
	c.Add("bookkeeping_language", before.Language, after.Language)
	return c
}

// missing names the roles of these that have no account, in their order.
func (set *Settings) missing(needed map[Role]bool) []Role {
	return slices.DeleteFunc(Roles(), func(r Role) bool { return !needed[r] || set.Accounts[r] != "" })
}
