package document

import (
	"context"
	"encoding/json"
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/store"
)

const companySetting = "company"

// Limits of the company's data.
const (
	DefaultPaymentTerm = 14 // days that a customer has to pay where the company says nothing else
	MaxPaymentTerm     = 365
	MaxCompanyText     = 120
	MaxFooterText      = 600
)

// Company is who the papers are from.
type Company struct {
	Name            string `json:"name"`
	Street          string `json:"street"`
	PostalCode      string `json:"postal_code"`
	City            string `json:"city"`
	Country         string `json:"country"` // ISO 3166-1 alpha-2
	Phone           string `json:"phone"`
	Email           string `json:"email"`
	Website         string `json:"website"`
	VATID           string `json:"vat_id"`     // USt-IdNr.
	TaxNumber       string `json:"tax_number"` // Steuernummer
	Register        string `json:"register"`   // court and number
	Bank            string `json:"bank"`
	IBAN            string `json:"iban"` // without blanks
	BIC             string `json:"bic"`
	FooterText      string `json:"footer_text"`
	PaymentTermDays int    `json:"payment_term_days"`
}

// defaultCompany is what the settings begin with.
func defaultCompany() Company { return Company{Country: "DE", PaymentTermDays: DefaultPaymentTerm} }

// Missing names what papers need and the company's data do not have, by their fields;
// "tax_id" is a VAT id or a tax number. An invoice without them is not one for the tax
// office, but nothing keeps it from being made.
func (c *Company) Missing() []string {
	var missing []string
	for _, f := range []struct{ name, value string }{
		{"name", c.Name}, {"street", c.Street}, {"postal_code", c.PostalCode}, {"city", c.City},
		{"tax_id", c.VATID + c.TaxNumber}, {"iban", c.IBAN},
	} {
		if f.value == "" {
			missing = append(missing, f.name)
		}
	}
	return missing
}

// Company returns the company's data.
func (s *Service) Company(ctx context.Context) (Company, error) { return company(s.db.Read(ctx)) }

func company(tx *gorm.DB) (Company, error) {
	c := defaultCompany()
	value, err := store.Setting(tx, companySetting)
	if err == nil && value != "" {
		err = json.Unmarshal([]byte(value), &c)
	}
	if err != nil {
		return c, fmt.Errorf("read the company's data: %w", err)
	}
	return c, nil
}

// UpdateCompany changes the company's data and its logo. Papers that were printed stay
// as they are. Errors: Invalid with the fields.
func (s *Service) UpdateCompany(ctx context.Context, c Company, logo LogoChange, actor string) error {
	c.normalise()
	var f fault.Checker
	c.check(&f)
	newLogo := logo.check(&f)
	if err := f.Err(); err != nil {
		return err
	}
	value, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("write the company's data: %w", err)
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		before, err := company(tx)
		if err != nil {
			return err
		}
		changed := companyChanges(before, c)
		if newLogo != nil {
			if err := replaceLogo(tx, *newLogo, &changed); err != nil {
				return err
			}
		}
		if len(changed) == 0 {
			return nil
		}
		if err := store.SetSetting(tx, companySetting, string(value)); err != nil {
			return err
		}
		return s.trail.Append(tx, s.clock.Now(), actor, "company.updated", c.Name, changed)
	})
	if err != nil {
		return fmt.Errorf("change the company's data: %w", err)
	}
	return nil
}

// fields are the company's texts by the names of their fields, in the order of the form.
func (c *Company) fields() []struct {
	name string
	at   *string
} {
	return []struct {
		name string
		at   *string
	}{
		{"name", &c.Name}, {"street", &c.Street}, {"postal_code", &c.PostalCode}, {"city", &c.City}, {"country", &c.Country},
		{"phone", &c.Phone}, {"email", &c.Email}, {"website", &c.Website}, {"vat_id", &c.VATID}, {"tax_number", &c.TaxNumber},
		{"register", &c.Register}, {"bank", &c.Bank}, {"iban", &c.IBAN}, {"bic", &c.BIC}, {"footer_text", &c.FooterText},
	}
}

// normalise trims what people leave around texts, and takes the blanks out of what is
// written with and without them.
func (c *Company) normalise() {
	for _, f := range c.fields() {
		*f.at = strings.TrimSpace(strings.ReplaceAll(*f.at, "\r\n", "\n"))
	}
	for _, code := range []*string{&c.Country, &c.VATID, &c.IBAN, &c.BIC} {
		*code = strings.ToUpper(strings.Join(strings.Fields(*code), ""))
	}
}

var (
	countryForm = regexp.MustCompile(`^[A-Z]{2}$`)
	vatIDForm   = regexp.MustCompile(`^[A-Z]{2}[0-9A-Z+*.-]{2,13}$`)
	bicForm     = regexp.MustCompile(`^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$`)
)

// check refuses what can't be. Nothing is required: a company may come bit by bit.
func (c *Company) check(f *fault.Checker) {
	for _, field := range c.fields() {
		if field.name == "footer_text" {
			f.Line(field.name, strings.ReplaceAll(*field.at, "\n", " "), MaxFooterText, false)
		} else {
			f.Line(field.name, *field.at, MaxCompanyText, false)
		}
	}
	forms := []struct {
		name, value, key string
		ok               bool
	}{
		{"country", c.Country, "order.error.country", countryForm.MatchString(c.Country)},
		{"email", c.Email, "error.email", isEmail(c.Email)},
		{"website", c.Website, "document.error.website", isWebsite(c.Website)},
		{"vat_id", c.VATID, "document.error.vat_id", vatIDForm.MatchString(c.VATID)},
		{"iban", c.IBAN, "document.error.iban", isIBAN(c.IBAN)},
		{"bic", c.BIC, "document.error.bic", bicForm.MatchString(c.BIC)},
	}
	for _, form := range forms {
		if form.value != "" && !form.ok {
			f.Add(form.name, form.key)
		}
	}
	if c.PaymentTermDays < 1 || c.PaymentTermDays > MaxPaymentTerm {
		f.Add("payment_term_days", "document.error.payment_term", "Max", MaxPaymentTerm)
	}
}

func isEmail(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s
}

// isWebsite takes an address as it stands on paper, with or without its scheme.
func isWebsite(s string) bool {
	_, bare, found := strings.Cut(s, "://")
	if !found {
		bare = s
	}
	u, err := url.Parse("https://" + bare)
	return err == nil && strings.Contains(u.Hostname(), ".") && u.User == nil && !strings.ContainsAny(s, " \u00a0")
}

// isIBAN checks form and check digits (ISO 13616, ISO 7064 MOD 97-10).
func isIBAN(s string) bool {
	if len(s) < 15 || len(s) > 34 {
		return false
	}
	remainder := 0
	for _, r := range s[4:] + s[:4] {
		switch {
		case r >= '0' && r <= '9':
			remainder = (remainder*10 + int(r-'0')) % 97
		case r >= 'A' && r <= 'Z':
			remainder = (remainder*100 + int(r-'A') + 10) % 97
		default:
			return false
		}
	}
	return remainder == 1 && countryForm.MatchString(s[:2])
}

// WrittenIBAN is an IBAN in groups of four, as people read it.
func WrittenIBAN(s string) string {
	var groups []string
	for len(s) > 4 {
		groups = append(groups, s[:4])
		s = s[4:]
	}
	return strings.Join(append(groups, s), " ")
}

func companyChanges(before, after Company) audit.Changes {
	var c audit.Changes
	was := before.fields()
	for i, f := range after.fields() {
		c.Add("company_"+f.name, *was[i].at, *f.at)
	}
	c.Add("company_payment_term_days", strconv.Itoa(before.PaymentTermDays), strconv.Itoa(after.PaymentTermDays))
	return c
}
