package businessaccount

import (
	"regexp"
	"slices"
	"strings"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarna"
)

// Limits of the settings.
const (
	MaxName      = 255
	MaxShortName = 64
)

// Input is a business account as an admin enters it. Access is text that [ReadAccess]
// reads; as [Account.AccessText] showed it, it changes nothing.
type Input struct {
	Name               string
	ShortName          string
	Type               Type
	Access             string
	Region             klarna.Region
	Environment        klarna.Environment
	Active             bool
	FetchAutomatically bool
}

// Defaults returns what the form of a new account begins with.
func Defaults() Input {
	return Input{Name: "Klarna", ShortName: "klarna", Type: Klarna, Region: klarna.Europe, Environment: klarna.Live, Active: true}
}

// InputOf returns the settings of an account as its form shows them.
func InputOf(a *Account) Input {
	return Input{Name: a.Name, ShortName: a.ShortName, Type: a.Type, Access: a.AccessText(), Region: a.Region, Environment: a.Environment,
		Active: a.Active, FetchAutomatically: a.FetchAutomatically}
}

var shortNameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func (in *Input) normalise() {
	in.Name = strings.TrimSpace(in.Name)
	in.ShortName = strings.TrimSpace(in.ShortName)
}

func (in *Input) check(f *fault.Checker) {
	f.Line("name", in.Name, MaxName, true)
	switch {
	case in.ShortName == "":
		f.Add("short_name", "error.required")
	case !shortNameForm.MatchString(in.ShortName):
		f.Add("short_name", "business_account.error.short_name_form", "Max", MaxShortName)
	}
	choice(f, "type", in.Type, Types())
	choice(f, "region", in.Region, klarna.Regions())
	choice(f, "environment", in.Environment, klarna.Environments())
}

// noAccess tells that there is nothing to read. An account that only gets files needs
// none; Klarna's does.
func (in *Input) noAccess(f *fault.Checker) bool {
	if trim(in.Access) != "" {
		return false
	}
	if in.Type == Klarna {
		f.Add("access", "error.required")
	}
	return true
}

func choice[T ~string](f *fault.Checker, name string, value T, allowed []T) {
	switch {
	case slices.Contains(allowed, value):
	case value == "":
		f.Add(name, "error.required")
	default:
		f.Add(name, "error.choice", "Value", string(value))
	}
}

func (in *Input) apply(a *Account) {
	a.Name, a.ShortName, a.Type, a.Region, a.Environment = in.Name, in.ShortName, in.Type, in.Region, in.Environment
	a.Active, a.FetchAutomatically = in.Active, in.FetchAutomatically
}
