package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"zahlwerk/internal/clock"
	"zahlwerk/internal/klarnasandbox"
)

// deadline is how long a test waits for a state before it gives up. It is no measure of
// speed: a fast machine waits for none of it.
const deadline = 60 * time.Second

// binary builds the plain program once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "zahlwerk-binary-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "zahlwerk")
	build := exec.Command("go", "build", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// klarnaServer is the sandbox on an address of its own.
func klarnaServer(t testing.TB, o klarnasandbox.Options) (*klarnasandbox.Sandbox, string) {
	t.Helper()
	if o.Clock == nil {
		o.Clock = clock.New()
	}
	if o.Merchants == nil {
		o.Merchants = []klarnasandbox.Merchant{klarnasandbox.DemoMerchant()}
	}
	s := klarnasandbox.New(o)
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		s.Close()
		server.Close()
	})
	return s, server.URL
}

// site is a data folder with the environment of a program that works on it.
type site struct {
	t    testing.TB
	data string
	env  []string
}

func newSite(t testing.TB, env ...string) *site {
	t.Helper()
	s := &site{t: t, data: t.TempDir()}
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "ZAHLWERK_") {
			s.env = append(s.env, e)
		}
	}
	s.env = append(s.env, "ZAHLWERK_DATA="+s.data, "ZAHLWERK_ADDR=127.0.0.1:0", "ZAHLWERK_LOG=json")
	s.env = append(s.env, env...)
	return s
}

func (s *site) command(args ...string) *exec.Cmd {
	s.t.Helper()
	path, err := binary()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = s.env
	return cmd
}

// run runs a command to its end.
func (s *site) run(stdin string, args ...string) (stdout, stderr string, exit int) {
	s.t.Helper()
	cmd := s.command(args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		s.t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// must is run for commands that have to work.
func (s *site) must(stdin string, args ...string) string {
	s.t.Helper()
	out, errs, exit := s.run(stdin, args...)
	if exit != 0 {
		s.t.Fatalf("zahlwerk %s: exit %d\n%s%s", strings.Join(args, " "), exit, out, errs)
	}
	return out
}

// program is a running zahlwerk.
type program struct {
	t     testing.TB
	cmd   *exec.Cmd
	url   string
	ended chan struct{}
	log   *syncBuffer
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// start starts serve or demo and waits until it says where it listens.
func (s *site) start(args ...string) *program {
	s.t.Helper()
	cmd := s.command(args...)
	pipe, err := cmd.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	p := &program{t: s.t, cmd: cmd, ended: make(chan struct{}), log: &syncBuffer{}}
	address := make(chan string, 2)
	var readers sync.WaitGroup
	readers.Go(func() {
		for lines := bufio.NewScanner(pipe); lines.Scan(); {
			fmt.Fprintln(p.log, lines.Text())
			var line struct{ Msg, Address string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Address != "" {
				address <- line.Address
			}
		}
	})
	readers.Go(func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			fmt.Fprintln(p.log, lines.Text())
			if f := strings.Fields(lines.Text()); len(f) == 2 && f[0] == "address" {
				address <- f[1]
			}
		}
	})
	go func() {
		readers.Wait()
		_ = cmd.Wait()
		close(p.ended)
	}()
	s.t.Cleanup(p.kill)
	select {
	case p.url = <-address:
	case <-p.ended:
		s.t.Fatalf("zahlwerk %s ended:\n%s", strings.Join(args, " "), p.log)
	case <-time.After(deadline):
		s.t.Fatalf("zahlwerk %s does not start:\n%s", strings.Join(args, " "), p.log)
	}
	return p
}

// kill is kill -9.
func (p *program) kill() {
	select {
	case <-p.ended:
	default:
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// stop ends the program as an operator would, and reports whether it went well.
func (p *program) stop() int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(deadline):
		p.t.Fatal("the program does not stop")
	}
	return p.cmd.ProcessState.ExitCode()
}

// eventually waits for a state.
func eventually(t testing.TB, what string, state func() bool) {
	t.Helper()
	end := time.Now().Add(deadline)
	for !state() {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, deadline)
		}
		time.Sleep(2 * time.Millisecond) // between two looks at a state, not instead of one
	}
}

// browser is somebody logged in over HTTP, without a script.
type browser struct {
	t      testing.TB
	base   string
	client *http.Client
}

func (p *program) logIn(email, password string) *browser {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	b := &browser{t: p.t, base: p.url, client: &http.Client{Jar: jar}}
	b.post("/login", url.Values{"email": {email}, "password": {password}})
	return b
}

func (b *browser) get(path string) string {
	b.t.Helper()
	res, err := b.client.Get(b.base + path)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.body(res, path)
}

func (b *browser) post(path string, form url.Values) string {
	b.t.Helper()
	res, err := b.client.PostForm(b.base+path, form)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.body(res, path)
}

func (b *browser) body(res *http.Response, path string) string {
	b.t.Helper()
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		b.t.Fatalf("%s: %s\n%s", path, res.Status, text)
	}
	return string(text)
}

// machine is another system that uses the JSON API.
type machine struct {
	t     testing.TB
	base  string
	token string
}

// call sends v (nil: nothing) and reads the answer into out (nil: ignored).
func (m *machine) call(method, path string, v, out any) int {
	m.t.Helper()
	status, body, err := m.try(method, path, v)
	if err != nil {
		m.t.Fatal(err)
	}
	if out != nil {
		if err := json.Unmarshal(body, out); err != nil {
			m.t.Fatalf("%s %s: %v\n%s", method, path, err, body)
		}
	}
	return status
}

// try is call for a program that may be killed meanwhile.
func (m *machine) try(method, path string, v any) (status int, body []byte, err error) {
	var content io.Reader
	if v != nil {
		b, err := json.Marshal(v)
		if err != nil {
			return 0, nil, err
		}
		content = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, m.base+"/api/v1"+path, content)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+m.token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept-Language", "de")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

const testPassword = "correct horse battery"

// ready makes an admin and a token, starts serve and sets Klarna up.
func (s *site) ready() (*program, *machine) {
	s.t.Helper()
	s.must(testPassword+"\n", "user", "add", "ada@example.com", "--role", "admin", "--name", "Ada", "--password-stdin")
	token := s.token()
	p := s.start("serve")
	b := p.logIn("ada@example.com", testPassword)
	b.post("/administration/settings/payment-methods/new?module=klarna", url.Values{
		"name": {"Klarna"}, "type": {"klarna"}, "module": {"klarna"}, "connection": {"api"}, "active": {"on"}, "mark_paid": {"on"},
		"environment": {"playground"}, "username": {klarnasandbox.DemoUsername}, "password": {klarnasandbox.DemoPassword},
	})
	return p, &machine{t: s.t, base: p.url, token: token}
}

func (s *site) token() string {
	s.t.Helper()
	out := strings.TrimSpace(s.must("", "token", "add", "test", "--scope", "orders:read", "--scope", "orders:write"))
	lines := strings.Split(out, "\n")
	return lines[len(lines)-1]
}

// orderJSON is an order as a shop posts it.
func orderJSON(number, klarnaOrderID string) map[string]any {
	return map[string]any{
		"number": number, "external_number": "SHOP-" + number, "placed_at": "2026-11-03T09:15:00+01:00", "payment_method": "klarna",
		"klarna_order_id": klarnaOrderID, "currency": "EUR", "total": 6457, "auto_ship": true,
		"customer":        map[string]any{"name": "Max Muster", "email": "max@example.com"},
		"billing_address": map[string]any{"name": "Max Muster", "street": "Fuggerstr. 11", "postal_code": "86150", "city": "Augsburg", "country": "DE"},
		"lines": []map[string]any{
			{"sku": "T-1", "name": "Teekanne", "type": "physical", "quantity": 1, "unit_price": 5958, "tax_rate": 1900, "total": 5958},
			{"name": "Versand", "type": "shipping_fee", "quantity": 1, "unit_price": 499, "tax_rate": 1900, "total": 499},
		},
	}
}

// atKlarna makes the order that the customer placed.
func atKlarna(t testing.TB, s *klarnasandbox.Sandbox, number string) string {
	t.Helper()
	o, err := s.CreateOrder(klarnasandbox.DemoMerchantID, klarnasandbox.NewOrder{Amount: 6457, MerchantReference1: number})
	if err != nil {
		t.Fatal(err)
	}
	return o.ID
}

// answer is GET /orders/{number}, as far as the tests look at it.
type answer struct {
	Status, Feedback string
	Why              *struct{ Rule, Text string }
	DeliveryNotes    []struct {
		Number  string
		Amount  int64
		Parcels []struct {
			TrackingNumber string `json:"tracking_number"`
			Report         string
		}
		Capture *struct {
			State          string
			Amount         int64
			CaptureID      string `json:"capture_id"`
			IdempotencyKey string `json:"idempotency_key"`
			Adopted        bool
		}
	} `json:"delivery_notes"`
}

func (m *machine) order(number string) answer {
	m.t.Helper()
	var a answer
	if status := m.call("GET", "/orders/"+number, nil, &a); status != 200 {
		m.t.Fatalf("GET order %s: %d", number, status)
	}
	return a
}
