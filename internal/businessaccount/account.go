package businessaccount

import (
	"time"

	"zahlwerk/internal/klarna"
)

// Type is what an account is.
type Type string

// The types.
const (
	Klarna Type = "klarna" // its payouts are fetched live, or come as Klarna's files
	Custom Type = "custom" // they come as files alone
)

// Types lists all types.
func Types() []Type { return []Type{Klarna, Custom} }

// Region and Environment are Klarna's; the names are here for those who know accounts but
// not Klarna.
type (
	Region      = klarna.Region
	Environment = klarna.Environment
)

// Account is a business account (Geschäftskonto).
type Account struct {
	ID                 int64
	Name               string
	ShortName          string // unique; what other systems call it by
	Type               Type
	Region             klarna.Region
	Environment        klarna.Environment
	Active             bool
	FetchAutomatically bool
	Access             []byte // sealed
	AccessMark         string
	AccessVersion      int64  // counts every change of the access data
	UserHint           string // the beginning of the user, for people to recognise
	Days               int    // how far a first import looks back
	CreatedAt          time.Time
	UpdatedAt          time.Time `gorm:"autoUpdateTime:false"`
}

// TableName is the table of accounts.
func (Account) TableName() string { return "business_accounts" }

// HasAccess tells that there are access data to fetch with.
func (a *Account) HasAccess() bool { return len(a.Access) > 0 }

// Live tells that payouts are fetched for the account.
func (a *Account) Live() bool { return a.Type == Klarna && a.Active && a.HasAccess() }
