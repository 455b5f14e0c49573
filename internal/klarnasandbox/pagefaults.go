package klarnasandbox

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// presetGroup is a heading in the list of presets.
type presetGroup struct {
	Name    string
	Presets []Fault
}

// presetGroups are the presets as a person looks for them: by what arrives.
var presetGroups = func() []presetGroup {
	groups := []presetGroup{{Name: "refusals"}, {Name: "troubles"}, {Name: "silences"}, {Name: "oddities"},
		{Name: "payouts", Presets: payoutPresets}}
	for _, f := range presets {
		i := 3
		switch {
		case f.Kind == FaultTimeout || f.Kind == FaultCut || f.Kind == FaultPartial:
			i = 2
		case f.Kind == FaultAnswer && f.Status < 500:
			i = 0
		case f.Status >= 400 && f.Kind != FaultSlow:
			i = 1
		}
		groups[i].Presets = append(groups[i].Presets, f)
	}
	return groups
}()

type faultsContent struct {
	Faults     []Fault
	Groups     []presetGroup
	Operations []Operation
	Form       url.Values
}

func (s *Sandbox) pageFaults(w http.ResponseWriter, r *http.Request) {
	form := url.Values{"times": {"1"}, "order_id": {r.URL.Query().Get("order")}, "operation": {string(OpCapture)}}
	s.renderFaults(w, r, http.StatusOK, form, nil)
}

func (s *Sandbox) renderFaults(w http.ResponseWriter, r *http.Request, status int, form url.Values, bad map[string]bool) {
	p := s.newPage(w, r, "faults")
	p.Errors = bad
	p.Self = "/sandbox/faults"
	p.Content = faultsContent{s.Faults(), presetGroups, Operations(), form}
	render(w, status, p)
}

func (s *Sandbox) postFault(w http.ResponseWriter, r *http.Request) {
	form, ok := readForm(w, r)
	if !ok {
		return
	}
	bad := map[string]bool{}
	number := func(field string, usual int) int {
		text := strings.TrimSpace(form.Get(field))
		if text == "" {
			return usual
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > 1_000_000 {
			bad[field] = true
		}
		return n
	}
	f, known := Preset(form.Get("preset"))
	if !known {
		bad["preset"] = true
	}
	f.Operation, f.OrderID = Operation(form.Get("operation")), strings.TrimSpace(form.Get("order_id"))
	f.Reference, f.Page = strings.TrimSpace(form.Get("payment_reference")), number("page", 0)
	f.Times = number("times", 1)
	f.Delay = time.Duration(number("delay_ms", int(f.Delay.Milliseconds()))) * time.Millisecond
	f.Hold = time.Duration(number("hold_s", 0)) * time.Second
	f.Reset = number("reset_s", f.Reset)
	if len(bad) == 0 && s.forms.first(form.Get("once")) {
		if _, err := s.SetFault(f); err != nil {
			bad = faultErrors(err)
		}
	}
	if len(bad) > 0 {
		s.renderFaults(w, r, http.StatusUnprocessableEntity, form, bad)
		return
	}
	http.Redirect(w, r, "/sandbox/faults?done=fault_set", http.StatusSeeOther)
}

// faultErrors turns the fields of a refused fault into those of the form.
func faultErrors(err error) map[string]bool {
	inForm := map[string]string{"delay": "delay_ms", "hold": "hold_s", "reset": "reset_s", "kind": "preset", "status": "preset"}
	bad := map[string]bool{}
	var e *Error
	if errors.As(err, &e) {
		for _, m := range e.Messages {
			name := strings.TrimPrefix(m, "Bad value: ")
			if other := inForm[name]; other != "" {
				name = other
			}
			bad[name] = true
		}
	}
	return bad
}

func (s *Sandbox) postClearFaults(w http.ResponseWriter, r *http.Request) {
	form, ok := readForm(w, r)
	if !ok {
		return
	}
	if id, err := strconv.ParseInt(form.Get("id"), 10, 64); err == nil {
		s.ClearFault(id)
	} else if form.Get("id") == "all" {
		s.ClearFaults()
	}
	http.Redirect(w, r, "/sandbox/faults?done=fault_cleared", http.StatusSeeOther)
}

type clockContent struct {
	Moves []string
	Form  url.Values
}

func (s *Sandbox) pageClock(w http.ResponseWriter, r *http.Request) {
	s.renderClock(w, r, http.StatusOK, s.settingsForm(), nil)
}

func (s *Sandbox) settingsForm() url.Values {
	return url.Values{"latency_ms": {strconv.FormatInt(s.Latency().Milliseconds(), 10)}, "rate_limit": {strconv.Itoa(s.RateLimit())}}
}

func (s *Sandbox) renderClock(w http.ResponseWriter, r *http.Request, status int, form url.Values, bad map[string]bool) {
	p := s.newPage(w, r, "clock")
	p.Errors = bad
	p.Self = "/sandbox/clock"
	p.Content = clockContent{moves, form}
	render(w, status, p)
}

func (s *Sandbox) postClock(w http.ResponseWriter, r *http.Request) {
	form, ok := readForm(w, r)
	if !ok {
		return
	}
	d, err := parseMove(form.Get("advance"))
	if err != nil {
		settings := s.settingsForm()
		settings.Set("advance", form.Get("advance"))
		s.renderClock(w, r, http.StatusUnprocessableEntity, settings, map[string]bool{"advance": true})
		return
	}
	if s.forms.first(form.Get("once")) {
		s.Advance(d)
	}
	http.Redirect(w, r, "/sandbox/clock?done=moved", http.StatusSeeOther)
}

func (s *Sandbox) postSettings(w http.ResponseWriter, r *http.Request) {
	form, ok := readForm(w, r)
	if !ok {
		return
	}
	latency, err1 := strconv.ParseInt(strings.TrimSpace(form.Get("latency_ms")), 10, 64)
	limit, err2 := strconv.Atoi(strings.TrimSpace(form.Get("rate_limit")))
	bad := map[string]bool{"latency_ms": err1 != nil, "rate_limit": err2 != nil}
	if err1 == nil && err2 == nil {
		fields := s.changeSettings(controlSettings{latency, limit})
		if len(fields) == 0 {
			http.Redirect(w, r, "/sandbox/clock?done=settings", http.StatusSeeOther)
			return
		}
		for _, f := range fields {
			bad[f] = true
		}
	}
	s.renderClock(w, r, http.StatusUnprocessableEntity, form, bad)
}
