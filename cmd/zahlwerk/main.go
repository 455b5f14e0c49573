package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"zahlwerk/internal/klarnasandbox"
)

// Exit codes.
const (
	exitDone     = 0
	exitFailed   = 1
	exitWrongUse = 2
)

// version is set by the linker for releases.
var version = ""

func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}

// cli is every command there is.
type cli struct {
	Serve   serveCommand   `cmd:"" help:"Run the web application and its background workers."`
	Demo    demoCommand    `cmd:"" help:"Run it on a throw-away database with sample data, against the built-in Klarna sandbox."`
	Sandbox sandboxCommand `cmd:"" help:"Run the Klarna sandbox alone."`
	Migrate migrateCommand `cmd:"" help:"Bring the database to this version."`
	User    userCommand    `cmd:"" help:"People who may log in."`
	Token   tokenCommand   `cmd:"" help:"Tokens for the JSON API."`
	Import  importCommand  `cmd:"" help:"Take in what other programs have written."`
	Backup  backupCommand  `cmd:"" help:"Make a consistent copy of a SQLite database, also while serve runs."`
	Version versionCommand `cmd:"" help:"Print the version."`

	config
}

// console is where a command reads and writes.
type console struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	// Every file that the program makes, SQLite's logs included, is its owner's alone.
	syscall.Umask(0o077)
	os.Exit(run(os.Args[1:], os.Environ(), console{os.Stdin, os.Stdout, os.Stderr}))
}

func run(args, environment []string, c console) int {
	exit := -1
	var commands cli
	parser, err := kong.New(&commands, kong.Name("zahlwerk"),
		kong.Description("Zahlwerk connects a merchant's orders with Klarna: it reports what was shipped, and says of each order whether Klarna has captured it."),
		kong.Writers(c.out, c.err), kong.Exit(func(code int) { exit = code }), kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Vars{"sandbox_username": klarnasandbox.DemoUsername, "sandbox_password": klarnasandbox.DemoPassword})
	if err != nil {
		fmt.Fprintln(c.err, "zahlwerk:", err)
		return exitFailed
	}
	if err := refuseUnknown(environment); err != nil {
		fmt.Fprintln(c.err, "zahlwerk:", err)
		return exitWrongUse
	}
	parsed, err := parser.Parse(args)
	if exit >= 0 { // --help
		return exit
	}
	if err != nil {
		fmt.Fprintln(c.err, "zahlwerk:", err)
		return exitWrongUse
	}
	if err := commands.config.check(); err != nil {
		fmt.Fprintln(c.err, "zahlwerk:", err)
		return exitWrongUse
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	parsed.BindTo(ctx, (*context.Context)(nil))
	if err := parsed.Run(&commands.config, c); err != nil {
		var use *wrongUse
		if errors.As(err, &use) {
			fmt.Fprintln(c.err, "zahlwerk:", err)
			return exitWrongUse
		}
		fmt.Fprintln(c.err, "zahlwerk:", err)
		return exitFailed
	}
	return exitDone
}

// wrongUse is an error of whoever called the program.
type wrongUse struct{ text string }

func (e *wrongUse) Error() string { return e.text }

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(c console) error {
	_, err := fmt.Fprintln(c.out, programVersion())
	return err
}
