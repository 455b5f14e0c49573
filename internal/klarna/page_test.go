package klarna_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"zahlwerk/internal/klarna"
)

func TestTheNextPage(t *testing.T) {
	t.Parallel()
	const asked = "offset=0&payment_reference=XISA93DJ&size=2"
	for name, tc := range map[string]struct {
		page  klarna.Page
		said  string // after the count
		lines int
		want  *klarna.Page
	}{
		"of a total":            {klarna.Page{Size: 2}, `,"total":5`, 2, &klarna.Page{Size: 2, Offset: 2}},
		"the last of a total":   {klarna.Page{Size: 2, Offset: 3}, `,"total":5`, 2, nil},
		"beyond the total":      {klarna.Page{Size: 2, Offset: 4}, `,"total":5`, 2, nil},
		"short, but not all":    {klarna.Page{Size: 2}, `,"total":5`, 1, &klarna.Page{Size: 2, Offset: 1}},
		"no total, full":        {klarna.Page{Size: 2}, ``, 2, &klarna.Page{Size: 2, Offset: 2}},
		"no total, short":       {klarna.Page{Size: 2}, ``, 1, nil},
		"nothing":               {klarna.Page{Size: 2}, `,"total":5`, 0, nil},
		"nothing, but a next":   {klarna.Page{Size: 2}, `,"total":5,"next":"NEXT?offset=2&payment_reference=XISA93DJ"`, 0, nil},
		"a link":                {klarna.Page{Size: 2}, `,"next":"BASE?offset=2&size=2&payment_reference=XISA93DJ"`, 2, &klarna.Page{Size: 2, Offset: 2, Next: "offset=2&size=2&payment_reference=XISA93DJ"}},
		"a link in other words": {klarna.Page{Size: 2}, `,"next":"?payment_reference=XISA93DJ&cursor=a%20b"`, 2, &klarna.Page{Size: 2, Offset: 2, Next: "payment_reference=XISA93DJ&cursor=a%20b"}},
		"a link on a short one": {klarna.Page{Size: 2}, `,"next":"BASE?offset=1&payment_reference=XISA93DJ"`, 1, &klarna.Page{Size: 2, Offset: 1, Next: "offset=1&payment_reference=XISA93DJ"}},
		"a link beyond a total": {klarna.Page{Size: 2}, `,"total":2,"next":"BASE?offset=2&payment_reference=XISA93DJ"`, 2, &klarna.Page{Size: 2, Offset: 2, Next: "offset=2&payment_reference=XISA93DJ"}},
		"to another host":       {klarna.Page{Size: 2}, `,"next":"http://elsewhere.example/settlements/v1/transactions?offset=2&payment_reference=XISA93DJ"`, 2, &klarna.Page{Size: 2, Offset: 2}},
		"to another port":       {klarna.Page{Size: 2}, `,"next":"http://127.0.0.1:1/settlements/v1/transactions?offset=2&payment_reference=XISA93DJ"`, 2, &klarna.Page{Size: 2, Offset: 2}},
		"without a scheme":      {klarna.Page{Size: 2}, `,"next":"//elsewhere.example/settlements/v1/transactions?offset=2&payment_reference=XISA93DJ"`, 2, &klarna.Page{Size: 2, Offset: 2}},
		"with a user":           {klarna.Page{Size: 2}, `,"next":"http://u:p@HOST/settlements/v1/transactions?offset=2&payment_reference=XISA93DJ"`, 2, &klarna.Page{Size: 2, Offset: 2}},
		"encrypted":             {klarna.Page{Size: 2}, `,"next":"https://HOST/settlements/v1/transactions?offset=2&payment_reference=XISA93DJ"`, 2, &klarna.Page{Size: 2, Offset: 2}},
		"to another list":       {klarna.Page{Size: 2}, `,"next":"http://HOST/settlements/v1/payouts?offset=2&payment_reference=XISA93DJ"`, 2, &klarna.Page{Size: 2, Offset: 2}},
		"to no list":            {klarna.Page{Size: 2}, `,"next":"http://HOST/settlements/v1/transactions"`, 2, &klarna.Page{Size: 2, Offset: 2}},
		"not an address":        {klarna.Page{Size: 2}, `,"next":":%zz"`, 2, &klarna.Page{Size: 2, Offset: 2}},
		"to itself":             {klarna.Page{Size: 2}, `,"next":"?` + asked + `"`, 2, &klarna.Page{Size: 2, Offset: 2}},
		"back":                  {klarna.Page{Size: 2, Offset: 4}, `,"next":"BASE?offset=2&payment_reference=XISA93DJ"`, 2, &klarna.Page{Size: 2, Offset: 6}},
		"to a strange place":    {klarna.Page{Size: 2}, `,"next":"BASE?offset=two&payment_reference=XISA93DJ"`, 2, &klarna.Page{Size: 2, Offset: 2}},
		"to all payouts":        {klarna.Page{Size: 2}, `,"next":"BASE?offset=2&size=2"`, 2, &klarna.Page{Size: 2, Offset: 2}},
		"to another payout":     {klarna.Page{Size: 2}, `,"next":"BASE?offset=2&size=2&payment_reference=ANOTHER"`, 2, &klarna.Page{Size: 2, Offset: 2}},
		"after a link":          {klarna.Page{Size: 500, Offset: 4, Next: "payment_reference=XISA93DJ&cursor=a&size=2"}, ``, 2, &klarna.Page{Size: 500, Offset: 6}},
		"the end after a link":  {klarna.Page{Size: 500, Offset: 4, Next: "payment_reference=XISA93DJ&cursor=a&size=2"}, ``, 1, nil},
		"Klarna's own size":     {klarna.Page{Offset: 4, Next: "payment_reference=XISA93DJ&cursor=a"}, ``, 19, nil},
		"a link after a link": {klarna.Page{Size: 2, Offset: 2, Next: "payment_reference=XISA93DJ&cursor=a"}, `,"next":"?payment_reference=XISA93DJ&cursor=b"`, 2,
			&klarna.Page{Size: 2, Offset: 4, Next: "payment_reference=XISA93DJ&cursor=b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serveSettlements(t, func(w http.ResponseWriter, r *http.Request) {
				said := strings.NewReplacer("BASE", "http://"+r.Host+transactionsPath, "HOST", r.Host).Replace(tc.said)
				answer(200, list("transactions", said, slices.Repeat([]string{saleJSON}, tc.lines)...))(w, r)
			})
			page, _, err := s.Transactions(t.Context(), reference, tc.page)
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprintf("%+v", page.Next) != fmt.Sprintf("%+v", tc.want) {
				t.Errorf("next %+v, want %+v", page.Next, tc.want)
			}
		})
	}
}

// However Klarna parts a list: page after page brings each line once, in order, also when
// a page is stored in between.
func TestPageAfterPage(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		total := rapid.IntRange(0, 30).Draw(rt, "lines")
		size := rapid.IntRange(1, 10).Draw(rt, "size")
		short := rapid.SliceOfN(rapid.IntRange(1, 10), 1, 5).Draw(rt, "at most")
		says := rapid.SampledFrom([]string{"total", "next", "both", "none"}).Draw(rt, "says")
		elsewhere := rapid.Bool().Draw(rt, "elsewhere")
		calls := 0
		s := serveSettlements(t, func(w http.ResponseWriter, r *http.Request) {
			offset, _ := strconv.Atoi(r.FormValue("offset"))
			asked, _ := strconv.Atoi(r.FormValue("size"))
			n := min(asked, total-offset)
			if says != "none" { // then only a short page tells the end
				n = min(n, short[calls%len(short)])
			}
			calls++
			var lines []string
			for i := range n {
				lines = append(lines, strings.Replace(saleJSON, "6457", strconv.Itoa(offset+i), 1))
			}
			said := ""
			if says == "total" || says == "both" {
				said = fmt.Sprintf(`,"total":%d`, total)
			}
			if (says == "next" || says == "both") && offset+n < total {
				host := ""
				if elsewhere && says == "both" {
					host = "https://elsewhere.example"
				}
				said += fmt.Sprintf(`,"next":"%s%s?payment_reference=XISA93DJ&size=%d&offset=%d"`, host, transactionsPath, asked, offset+n)
			}
			answer(200, list("transactions", said, lines...))(w, r)
		})
		at := &klarna.Page{Size: size}
		var got []int64
		for at != nil && calls <= total+1 {
			page, _, err := s.Transactions(t.Context(), reference, *at)
			if err != nil {
				rt.Fatal(err)
			}
			for _, line := range page.Transactions {
				got = append(got, line.Amount)
			}
			stored, err := json.Marshal(page.Next)
			if err != nil {
				rt.Fatal(err)
			}
			at = nil
			if err := json.Unmarshal(stored, &at); err != nil {
				rt.Fatal(err)
			}
		}
		for i, amount := range got {
			if int64(i) != amount {
				rt.Fatalf("line %d is number %d", i, amount)
			}
		}
		if len(got) != total {
			rt.Errorf("%d lines of %d", len(got), total)
		}
	})
}
