package klarna

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// Region is the part of the world that a merchant account belongs to.
type Region string

// Klarna's regions.
const (
	Europe       Region = "eu"
	NorthAmerica Region = "na"
	Oceania      Region = "oc"
)

// Environment is where real money moves, or where none does.
type Environment string

// Klarna's environments.
const (
	Live       Environment = "live"
	Playground Environment = "playground"
)

// Regions returns all regions.
func Regions() []Region { return []Region{Europe, NorthAmerica, Oceania} }

// Environments returns all environments.
func Environments() []Environment { return []Environment{Live, Playground} }

// Endpoint is one of Klarna's six hosts. Credentials are good for exactly one.
type Endpoint struct {
	Region      Region
	Environment Environment
}

// URL returns the address of the host, or an error for a region or an
// environment that Klarna does not have.
//
// See https://docs.klarna.com/api/api-urls/
func (e Endpoint) URL() (*url.URL, error) {
	var region, environment string
	switch e.Region {
	case Europe:
	case NorthAmerica, Oceania:
		region = "-" + string(e.Region)
	default:
		return nil, fmt.Errorf("klarna has no region %q", e.Region)
	}
	switch e.Environment {
	case Live:
	case Playground:
		environment = "playground."
	default:
		return nil, fmt.Errorf("klarna has no environment %q", e.Environment)
	}
	return &url.URL{Scheme: "https", Host: "api" + region + "." + environment + "klarna.com"}, nil
}

// ParseBaseURL reads an address that is to replace Klarna's hosts: of a sandbox
// or a test server. It must be https, since passwords go there; plain http is
// for this machine only.
func ParseBaseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, errors.New("not a URL") // url's error would quote a password in it
	case u.Scheme != "https" && u.Scheme != "http", u.Opaque != "", u.Hostname() == "":
		return nil, errors.New("it must start with https:// or http:// and name a host")
	case u.User != nil:
		return nil, errors.New("it must not hold a user or a password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("it must not hold a query or a fragment")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return nil, fmt.Errorf("http:// is for this machine only (localhost, 127.0.0.1, [::1]), not for %s: use https://", u.Hostname())
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	return u, nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// PortalOrderURL returns the page of an order in Klarna's merchant portal. The
// portal is one for all regions. Usernames of the older kind start with the
// merchant id ("K123456_…"), which leads straight to the order; for the others
// the portal asks which merchant is meant.
func PortalOrderURL(environment Environment, username, orderID string) string {
	host := "portal.klarna.com"
	if environment == Playground {
		host = "portal.playground.klarna.com"
	}
	path := "/orders/" + url.PathEscape(orderID)
	if merchant, _, ok := strings.Cut(username, "_"); ok && merchant != "" {
		path = "/orders/all/merchants/" + url.PathEscape(merchant) + path
	}
	return "https://" + host + path
}
