package views

import "net/url"

// parameters are the parts of a filter by their names in the address.
type parameters map[string]*string

// read takes the filter of an address. Other parameters do not count.
func (p parameters) read(query url.Values) {
	for name, value := range p {
		*value = query.Get(name)
	}
}

// with is the filter for an address, with one parameter changed; name "" changes none.
func (p parameters) with(name, value string) url.Values {
	query := url.Values{}
	for n, v := range p {
		if *v != "" {
			query.Set(n, *v)
		}
	}
	if query.Set(name, value); value == "" {
		query.Del(name)
	}
	return query
}
