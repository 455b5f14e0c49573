package klarnasandbox

import (
	"net/http"
	"slices"
)

// addPayoutControls adds what of the control API is about payouts.
func (s *Sandbox) addPayoutControls(mux *http.ServeMux) {
	mux.HandleFunc("GET /sandbox/api/payouts", s.apiListPayouts)
	mux.HandleFunc("POST /sandbox/api/payouts", s.apiCreatePayout)
	mux.HandleFunc("POST /sandbox/api/payouts/generate", s.apiGeneratePayouts)
	mux.HandleFunc("POST /sandbox/api/payouts/now", s.apiPayOut)
	mux.HandleFunc("POST /sandbox/api/payouts/odd", s.apiCreateOddPayout)
	mux.HandleFunc("GET /sandbox/api/payouts/extras", s.apiListExtras)
	mux.HandleFunc("POST /sandbox/api/payouts/extras", s.apiAddExtra)
	mux.HandleFunc("GET /sandbox/api/payouts/terms", s.apiReadTerms)
	mux.HandleFunc("PUT /sandbox/api/payouts/terms", s.apiChangeTerms)
}

func (s *Sandbox) apiListPayouts(w http.ResponseWriter, r *http.Request) {
	offset, limit := paging(r, 50)
	all := s.Payouts(r.URL.Query().Get("merchant_id"))
	slices.Reverse(all)
	from := min(offset, len(all))
	writeJSON(w, http.StatusOK, map[string]any{"payouts": all[from:min(from+limit, len(all))], "total": len(all)})
}

func (s *Sandbox) apiCreatePayout(w http.ResponseWriter, r *http.Request) {
	var in NewPayout
	if !readJSON(w, r, &in) {
		return
	}
	p, err := s.CreatePayout(in)
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusCreated, p)
}

// apiCreateOddPayout makes a payout that is odd in the way the body names.
func (s *Sandbox) apiCreateOddPayout(w http.ResponseWriter, r *http.Request) {
	var in struct {
		MerchantID string `json:"merchant_id"`
		Oddity     Oddity `json:"oddity"`
	}
	if !readJSON(w, r, &in) {
		return
	}
	p, err := s.CreateOddPayout(in.MerchantID, in.Oddity)
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusCreated, p)
}

func (s *Sandbox) apiPayOut(w http.ResponseWriter, r *http.Request) {
	var in struct {
		MerchantID string `json:"merchant_id"`
	}
	if !readJSON(w, r, &in) {
		return
	}
	made, err := s.PayOut(in.MerchantID)
	writePayouts(w, made, err)
}

// writePayouts answers with payouts that were made.
func writePayouts(w http.ResponseWriter, made []Payout, err error) {
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusCreated, map[string]any{"payouts": made, "total": len(made)})
}

func (s *Sandbox) apiGeneratePayouts(w http.ResponseWriter, r *http.Request) {
	var in Volume
	if !readJSON(w, r, &in) {
		return
	}
	made, err := s.GeneratePayouts(in)
	writePayouts(w, made, err)
}

func (s *Sandbox) apiListExtras(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"extras": orEmpty(s.Extras())})
}

func (s *Sandbox) apiAddExtra(w http.ResponseWriter, r *http.Request) {
	var in Extra
	if !readJSON(w, r, &in) {
		return
	}
	e, err := s.AddExtra(in)
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusCreated, e)
}

func (s *Sandbox) apiReadTerms(w http.ResponseWriter, r *http.Request) {
	merchant := r.URL.Query().Get("merchant_id")
	if err := s.knowsMerchant(s.merchantOr(merchant)); err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, s.Terms(merchant))
}

func (s *Sandbox) apiChangeTerms(w http.ResponseWriter, r *http.Request) {
	merchant := r.URL.Query().Get("merchant_id")
	in := s.Terms(merchant)
	if !readJSON(w, r, &in) {
		return
	}
	if err := s.SetTerms(merchant, in); err != nil {
		writeError(w, err)
		return
	}
	s.apiReadTerms(w, r)
}
