package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"time"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/klarna"
)

// config is what an operator sets, by environment or by flag.
type config struct {
	Addr           string `env:"ZAHLWERK_ADDR" default:"127.0.0.1:8080" help:"Where to listen."`
	Data           string `env:"ZAHLWERK_DATA" default:"./data" help:"Folder for the database and the key file."`
	DatabaseURL    string `env:"ZAHLWERK_DATABASE_URL" help:"postgres://… instead of SQLite in the data folder."`
	SecretKeyFile  string `env:"ZAHLWERK_SECRET_KEY_FILE" help:"Key that seals stored credentials; secret.key in the data folder, made at the first start."`
	PublicURL      string `env:"ZAHLWERK_PUBLIC_URL" help:"Where people reach the program; http://ADDR if empty."`
	TrustedProxies string `env:"ZAHLWERK_TRUSTED_PROXIES" help:"Networks whose X-Forwarded-For is believed, separated by commas."`
	KlarnaURL      string `env:"ZAHLWERK_KLARNA_URL" help:"Stands in for every host of Klarna's: a sandbox or a test server."`
	Workers        int    `env:"ZAHLWERK_WORKERS" default:"16" help:"Captures in flight at once."`
	Retry          string `env:"ZAHLWERK_RETRY" default:"5s,5m,5h" help:"Waits after an unknown outcome."`
	KeyLifetime    string `env:"ZAHLWERK_KEY_LIFETIME" default:"23h" help:"How long an idempotency key may be sent again; the other waits scale with it."`
	MetricsAddr    string `env:"ZAHLWERK_METRICS_ADDR" default:"off" help:"Where to serve Prometheus metrics."`
	Log            string `env:"ZAHLWERK_LOG" default:"text" help:"text or json."`
	LogLevel       string `env:"ZAHLWERK_LOG_LEVEL" default:"info" help:"debug, info, warn or error."`

	policy  capture.Policy
	public  *url.URL
	klarna  *url.URL
	proxies []*net.IPNet
	level   slog.Level
}

// refuseUnknown names variables that look like ours and are not: a typing error in a
// setting must not pass in silence.
func refuseUnknown(environment []string) error {
	known := map[string]bool{}
	t := reflect.TypeFor[config]()
	for i := range t.NumField() {
		known[t.Field(i).Tag.Get("env")] = true
	}
	var unknown []string
	for _, e := range environment {
		name, _, _ := strings.Cut(e, "=")
		if strings.HasPrefix(name, "ZAHLWERK_") && !known[name] {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	sort.Strings(unknown)
	return fmt.Errorf("unknown variable in the environment: %s", strings.Join(unknown, ", "))
}

// check reads what has a form of its own. Errors name the variable.
func (c *config) check() error {
	for _, f := range []struct {
		variable string
		read     func() error
	}{
		{"ZAHLWERK_ADDR", c.readAddr}, {"ZAHLWERK_PUBLIC_URL", c.readPublicURL}, {"ZAHLWERK_TRUSTED_PROXIES", c.readProxies},
		{"ZAHLWERK_KLARNA_URL", c.readKlarnaURL}, {"ZAHLWERK_WORKERS", c.readWorkers}, {"ZAHLWERK_RETRY", c.readRetry},
		{"ZAHLWERK_KEY_LIFETIME", c.readKeyLifetime}, {"ZAHLWERK_LOG", c.readLog}, {"ZAHLWERK_LOG_LEVEL", c.readLevel},
		{"ZAHLWERK_DATABASE_URL", c.readDatabaseURL}, {"ZAHLWERK_METRICS_ADDR", c.readMetricsAddr},
	} {
		if err := f.read(); err != nil {
			return fmt.Errorf("%s: %w", f.variable, err)
		}
	}
	if c.SecretKeyFile == "" {
		c.SecretKeyFile = filepath.Join(c.Data, "secret.key")
	}
	return nil
}

func (c *config) readAddr() error {
	_, _, err := net.SplitHostPort(c.Addr)
	return err
}

func (c *config) readPublicURL() (err error) {
	if c.PublicURL == "" {
		c.PublicURL = "http://" + c.Addr
	}
	c.public, err = url.Parse(c.PublicURL)
	if err != nil || c.public.Host == "" || c.public.Scheme != "http" && c.public.Scheme != "https" {
		return errors.New("not an address that begins with http:// or https://")
	}
	return nil
}

func (c *config) readProxies() error {
	for p := range strings.SplitSeq(c.TrustedProxies, ",") {
		p = strings.TrimSpace(p)
		if p == "" {
			continue
		}
		if ip := net.ParseIP(p); ip != nil {
			bits := 8 * len(ip.To4())
			if bits == 0 {
				bits = 128
			}
			p = fmt.Sprintf("%s/%d", p, bits)
		}
		_, n, err := net.ParseCIDR(p)
		if err != nil {
			return fmt.Errorf("%q is no address and no network", p)
		}
		c.proxies = append(c.proxies, n)
	}
	return nil
}

func (c *config) readKlarnaURL() (err error) {
	if c.KlarnaURL != "" {
		c.klarna, err = klarna.ParseBaseURL(c.KlarnaURL)
	}
	return err
}

func (c *config) readWorkers() error {
	if c.Workers < 1 || c.Workers > 256 {
		return errors.New("must be from 1 to 256")
	}
	return nil
}

func (c *config) readRetry() error {
	parts := strings.Split(c.Retry, ",")
	if len(parts) != len(c.policy.Retry) {
		return fmt.Errorf("must be %d waits separated by commas, such as 5s,5m,5h", len(c.policy.Retry))
	}
	for i, p := range parts {
		d, err := time.ParseDuration(strings.TrimSpace(p))
		if err != nil || d <= 0 {
			return fmt.Errorf("%q is no wait such as 5s", strings.TrimSpace(p))
		}
		c.policy.Retry[i] = d
	}
	return nil
}

func (c *config) readKeyLifetime() (err error) {
	if c.policy.KeyLifetime, err = time.ParseDuration(c.KeyLifetime); err != nil {
		return fmt.Errorf("%q is no time such as 23h", c.KeyLifetime)
	}
	return c.policy.Validate()
}

func (c *config) readMetricsAddr() error {
	if c.MetricsAddr == "" || c.MetricsAddr == "off" {
		return nil
	}
	_, _, err := net.SplitHostPort(c.MetricsAddr)
	return err
}

func (c *config) readLog() error {
	if c.Log != "text" && c.Log != "json" {
		return errors.New("must be text or json")
	}
	return nil
}

func (c *config) readLevel() error { return c.level.UnmarshalText([]byte(c.LogLevel)) }

func (c *config) readDatabaseURL() error {
	if c.DatabaseURL != "" && !strings.HasPrefix(c.DatabaseURL, "postgres://") && !strings.HasPrefix(c.DatabaseURL, "postgresql://") {
		return errors.New("must begin with postgres://; without it SQLite in the data folder is used")
	}
	return nil
}

func (c *config) isSQLite() bool { return c.DatabaseURL == "" }

func (c *config) databaseFile() string { return filepath.Join(c.Data, "zahlwerk.db") }

func (c *config) dsn() string {
	if c.isSQLite() {
		return "sqlite:" + c.databaseFile()
	}
	return c.DatabaseURL
}

func (c *config) logger(con console) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.level}
	if c.Log == "json" {
		return slog.New(slog.NewJSONHandler(con.err, o))
	}
	return slog.New(slog.NewTextHandler(con.err, o))
}
