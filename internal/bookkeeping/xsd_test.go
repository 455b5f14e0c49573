package bookkeeping_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// xsd validates documents by a schema of ISO 20022: those have named types only, each a
// sequence, a choice, a text with attributes, or a text with facets.
type xsd struct {
	Namespace string       `xml:"targetNamespace,attr"`
	Elements  []xsdElement `xml:"element"`
	Complex   []struct {
		Name     string    `xml:"name,attr"`
		Sequence *xsdGroup `xml:"sequence"`
		Choice   *xsdGroup `xml:"choice"`
		Text     *struct {
			Base       string `xml:"base,attr"`
			Attributes []struct {
				Name string `xml:"name,attr"`
				Type string `xml:"type,attr"`
			} `xml:"attribute"`
		} `xml:"simpleContent>extension"`
	} `xml:"complexType"`
	Simple []struct {
		Name        string `xml:"name,attr"`
		Restriction struct {
			Base   string `xml:"base,attr"`
			Facets []struct {
				XMLName xml.Name
				Value   string `xml:"value,attr"`
			} `xml:",any"`
		} `xml:"restriction"`
	} `xml:"simpleType"`
}

type xsdGroup struct {
	Elements []xsdElement `xml:"element"`
}

type xsdElement struct {
	Name string `xml:"name,attr"`
	Type string `xml:"type,attr"`
	Min  string `xml:"minOccurs,attr"`
	Max  string `xml:"maxOccurs,attr"`
}

func newXSD(schema []byte) (*xsd, error) {
	var x xsd
	if err := xml.Unmarshal(schema, &x); err != nil {
		return nil, err
	}
	if len(x.Elements) != 1 || len(x.Complex) < 100 || len(x.Simple) < 50 {
		return nil, fmt.Errorf("%d elements, %d and %d types: not a schema of ISO", len(x.Elements), len(x.Complex), len(x.Simple))
	}
	return &x, nil
}

// node is an element of a document.
type node struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []node     `xml:",any"`
}

// validate returns what is wrong with a document.
func (x *xsd) validate(document []byte) []string {
	d := xml.NewDecoder(bytes.NewReader(document))
	var root node
	if err := d.Decode(&root); err != nil {
		return []string{err.Error()}
	}
	if _, err := d.Token(); err != io.EOF && strings.TrimSpace(string(document[d.InputOffset():])) != "" {
		return []string{"something follows the document"}
	}
	if root.XMLName.Local != x.Elements[0].Name {
		return []string{"the root is " + root.XMLName.Local}
	}
	return x.element(&root, x.Elements[0].Type, root.XMLName.Local)
}

func (x *xsd) element(n *node, typ, path string) (problems []string) {
	if n.XMLName.Space != x.Namespace {
		problems = append(problems, path+": namespace "+n.XMLName.Space)
	}
	var attributes []string
	for _, a := range n.Attrs {
		if a.Name.Local != "xmlns" && a.Name.Space != "xmlns" {
			attributes = append(attributes, a.Name.Local)
		}
	}
	for _, c := range x.Complex {
		if c.Name != typ {
			continue
		}
		if c.Text != nil {
			for _, a := range c.Text.Attributes {
				i := slices.IndexFunc(n.Attrs, func(at xml.Attr) bool { return at.Name.Local == a.Name })
				if i < 0 {
					return append(problems, path+": no attribute "+a.Name)
				}
				attributes = slices.DeleteFunc(attributes, func(name string) bool { return name == a.Name })
				problems = append(problems, x.text(n.Attrs[i].Value, a.Type, path+"/@"+a.Name)...)
			}
			return append(append(problems, extra(attributes, path)...), x.text(n.Text, c.Text.Base, path)...)
		}
		problems = append(problems, extra(attributes, path)...)
		if strings.TrimSpace(n.Text) != "" {
			problems = append(problems, path+": text between elements")
		}
		if c.Choice != nil {
			return append(problems, x.choice(n, c.Choice, path)...)
		}
		return append(problems, x.sequence(n, c.Sequence, path)...)
	}
	if len(n.Children) > 0 {
		problems = append(problems, path+": elements in a text")
	}
	return append(append(problems, extra(attributes, path)...), x.text(n.Text, typ, path)...)
}

func extra(attributes []string, path string) (problems []string) {
	for _, a := range attributes {
		problems = append(problems, path+": attribute "+a)
	}
	return problems
}

func (x *xsd) choice(n *node, group *xsdGroup, path string) []string {
	if len(n.Children) != 1 {
		return []string{fmt.Sprintf("%s: %d elements, want one of a choice", path, len(n.Children))}
	}
	child := &n.Children[0]
	for _, e := range group.Elements {
		if e.Name == child.XMLName.Local {
			return x.element(child, e.Type, path+"/"+e.Name)
		}
	}
	return []string{path + ": " + child.XMLName.Local + " is not in the choice"}
}

func (x *xsd) sequence(n *node, group *xsdGroup, path string) (problems []string) {
	rest := n.Children
	for _, e := range group.Elements {
		low, high := 1, 1
		if e.Min != "" {
			low, _ = strconv.Atoi(e.Min)
		}
		if e.Max == "unbounded" {
			high = len(rest)
		}
		count := 0
		for len(rest) > 0 && count < high && rest[0].XMLName.Local == e.Name {
			problems = append(problems, x.element(&rest[0], e.Type, path+"/"+e.Name)...)
			rest = rest[1:]
			count++
		}
		if count < low {
			problems = append(problems, path+": "+e.Name+" is missing")
		}
	}
	if len(rest) > 0 {
		problems = append(problems, path+": "+rest[0].XMLName.Local+" is not expected here")
	}
	return problems
}

func (x *xsd) text(value, typ, path string) (problems []string) {
	wrong := func(what string) {
		problems = append(problems, fmt.Sprintf("%s: %q: %s of %s", path, value, what, typ))
	}
	for _, s := range x.Simple {
		if s.Name != typ {
			continue
		}
		var allowed []string
		for _, f := range s.Restriction.Facets {
			n, _ := strconv.Atoi(f.Value)
			whole, decimals, _ := strings.Cut(strings.TrimLeft(value, "-+"), ".")
			decimals = strings.TrimRight(decimals, "0")
			switch f.XMLName.Local {
			case "enumeration":
				allowed = append(allowed, f.Value)
			case "pattern":
				if !regexp.MustCompile(`^(?:` + f.Value + `)$`).MatchString(value) {
					wrong("pattern")
				}
			case "minLength":
				if utf8.RuneCountInString(value) < n {
					wrong("minLength")
				}
			case "maxLength":
				if utf8.RuneCountInString(value) > n {
					wrong("maxLength")
				}
			case "fractionDigits":
				if len(decimals) > n {
					wrong("fractionDigits")
				}
			case "totalDigits":
				if len(strings.TrimLeft(whole, "0"))+len(decimals) > n {
					wrong("totalDigits")
				}
			case "minInclusive":
				if strings.HasPrefix(value, "-") && n >= 0 {
					wrong("minInclusive")
				}
			default:
				wrong("unknown facet " + f.XMLName.Local)
			}
		}
		if len(allowed) > 0 && !slices.Contains(allowed, value) {
			wrong("enumeration")
		}
		return append(problems, builtin(value, s.Restriction.Base, path)...)
	}
	return builtin(value, typ, path)
}

// builtin checks the types that every schema has.
func builtin(value, typ, path string) []string {
	ok := true
	switch typ {
	case "xs:string", "xs:boolean":
	case "xs:decimal":
		ok = regexp.MustCompile(`^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)$`).MatchString(value)
	case "xs:date":
		_, err := time.Parse(time.DateOnly, value)
		ok = err == nil
	case "xs:dateTime":
		_, err := time.Parse(time.RFC3339, value)
		ok = err == nil
	default:
		return []string{path + ": no type " + typ}
	}
	if !ok {
		return []string{fmt.Sprintf("%s: %q is no %s", path, value, typ)}
	}
	return nil
}

// TestXSD sees the validator refuse what the schema refuses.
func TestXSD(t *testing.T) {
	t.Parallel()
	good := string(golden(t, "camt.xml"))
	if problems := schema(t).validate([]byte(good)); len(problems) > 0 {
		t.Fatal(problems)
	}
	for name, change := range map[string][2]string{
		"no header":          {"<GrpHdr>", "<GrpHdr/><GrpHdr>"},
		"wrong order":        {"<Sts><Cd>BOOK</Cd></Sts>", "<Sts><Cd>BOOK</Cd></Sts><Amt Ccy=\"EUR\">1</Amt>"},
		"too long":           {"<Cd>BOOK</Cd>", "<Cd>BOOKED</Cd>"},
		"not in the choice":  {"<Sts><Cd>BOOK</Cd></Sts>", "<Sts>BOOK</Sts>"},
		"no currency":        {`<Amt Ccy="EUR">`, "<Amt>"},
		"another attribute":  {`<Amt Ccy="EUR">`, `<Amt Ccy="EUR" x="1">`},
		"no currency's code": {`Ccy="EUR"`, `Ccy="Euro"`},
		"negative":           {`Ccy="EUR">0.00`, `Ccy="EUR">-1.00`},
		"too many decimals":  {`Ccy="EUR">0.00`, `Ccy="EUR">0.000001`},
		"not a number":       {`Ccy="EUR">0.00`, `Ccy="EUR">0,00`},
		"not a code":         {"<CdtDbtInd>CRDT", "<CdtDbtInd>CRED"},
		"not a day":          {"<BookgDt><Dt>2026-07-02", "<BookgDt><Dt>02.07.2026"},
		"other namespace":    {"camt.053.001.08", "camt.053.001.02"},
		"cut":                {"</Document>", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := strings.Replace(good, change[0], change[1], 1)
			if bad == good {
				t.Fatal("nothing was changed")
			}
			if problems := schema(t).validate([]byte(bad)); len(problems) == 0 {
				t.Error("it passes")
			}
		})
	}
}
