package klarna

import (
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// Page says where in a list to read. The zero value is its first page, as large
// as possible. It may be stored and used again later.
type Page struct {
	Size   int   // at most MaxPageSize, which 0 means, too
	Offset int64 // how many elements come before it
	// Next is what Klarna said that the page is asked for with: a query, so that it
	// can lead to no other place. If it is not empty, it counts alone.
	Next string
}

// defaultPageSize is Klarna's, for a query that does not say.
const defaultPageSize = 20

// maxNext bounds what is believed to be a link.
const maxNext = 4000

func (p Page) query(filter url.Values) (string, error) {
	switch {
	case p.Size < 0 || p.Size > MaxPageSize:
		return "", fmt.Errorf("%w: a page of %d elements; Klarna has up to %d", ErrNotSent, p.Size, MaxPageSize)
	case p.Offset < 0:
		return "", fmt.Errorf("%w: a page that begins at %d", ErrNotSent, p.Offset)
	case p.Next != "":
		if len(p.Next) > maxNext || strings.ContainsAny(p.Next, "# ") || strings.ContainsFunc(p.Next, unicode.IsControl) {
			return "", fmt.Errorf("%w: %.40q is not the query of a page", ErrNotSent, p.Next)
		}
		return p.Next, nil
	}
	filter.Set("size", strconv.Itoa(p.size()))
	filter.Set("offset", strconv.FormatInt(p.Offset, 10))
	return filter.Encode(), nil
}

// size is how many elements the page may have, as far as we know.
func (p Page) size() int {
	if p.Next != "" {
		values, _ := url.ParseQuery(p.Next) // what can't be read says nothing
		if n, err := strconv.Atoi(values.Get("size")); err == nil && n > 0 {
			return n
		}
		return defaultPageSize
	}
	if p.Size == 0 {
		return MaxPageSize
	}
	return p.Size
}

// after returns the page after p, which had so many elements and was asked for
// at location. Klarna's link counts where it leads to the same list and further;
// otherwise the offset does. An empty page is the end, whatever it says: what
// was promised behind it would be asked for forever.
func (p Page) after(count int, said Pagination, location *url.URL) *Page {
	if count == 0 || p.Offset > math.MaxInt64-int64(count) {
		return nil
	}
	next := &Page{Size: p.Size, Offset: p.Offset + int64(count)}
	switch {
	case said.Next != "":
		next.Next = p.follow(said.Next, location)
		return next
	case said.Total != nil && next.Offset >= *said.Total, said.Total == nil && count < p.size():
		return nil
	}
	return next
}

// follow returns the query of Klarna's link to the next page, "" if it leads
// somewhere else or back.
func (p Page) follow(link string, location *url.URL) string {
	u, err := location.Parse(link)
	if err != nil || len(u.RawQuery) > maxNext {
		return ""
	}
	leadsAway := u.User != nil || !strings.EqualFold(u.Scheme, location.Scheme) || !strings.EqualFold(u.Host, location.Host) ||
		u.EscapedPath() != location.EscapedPath()
	if leadsAway || u.RawQuery == location.RawQuery || u.RawQuery == "" {
		return ""
	}
	query, asked := u.Query(), location.Query()
	for _, filter := range []string{"payment_reference", "start_date", "end_date", "currency_code"} {
		if query.Get(filter) != asked.Get(filter) {
			return "" // it leads to elements that nobody asked for
		}
	}
	if at := query.Get("offset"); at != "" {
		if offset, err := strconv.ParseInt(at, 10, 64); err != nil || offset <= p.Offset {
			return ""
		}
	}
	return u.RawQuery
}

// Pagination is what Klarna says about a page. Total is nil where it does not
// say how many there are; Next and Prev are as Klarna sent them and not to be
// followed: see [PayoutPage.Next] and [TransactionPage.Next].
type Pagination struct {
	Count  int64  `json:"count"`
	Total  *int64 `json:"total"`
	Offset *int64 `json:"offset"`
	Next   string `json:"next"`
	Prev   string `json:"prev"`
}

// pagination is a Pagination while it is read: a count that is missing is not 0.
type pagination struct {
	Pagination
	Count *int64 `json:"count"`
}

func (p *pagination) ok() bool {
	return p != nil && p.Count != nil && *p.Count >= 0 && (p.Total == nil || *p.Total >= 0)
}

func (p *pagination) plain() Pagination {
	out := p.Pagination
	out.Count = *p.Count
	return out
}
