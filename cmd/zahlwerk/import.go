package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"zahlwerk/internal/batch"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/order"
)

type importCommand struct {
	Orders importOrdersCommand `cmd:"" help:"Make the orders of a CSV file. The same file again changes nothing."`
}

// importActor stands in protocols for who runs the command.
const importActor = "zahlwerk import"

type importOrdersCommand struct {
	File string `arg:"" help:"CSV file: a line for each line of an order, with a header as in the template of the web application."`
}

// Run makes the orders of a file and prints what became of each.
func (c importOrdersCommand) Run(ctx context.Context, cfg *config, con console) error {
	f, err := os.Open(c.File)
	if err != nil {
		return &wrongUse{err.Error()}
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return &wrongUse{c.File + " is no file"}
	}
	return withApp(ctx, cfg, con, func(a *app) error {
		im, err := order.OpenImport(f)
		if err != nil {
			return err
		}
		if len(im.Unknown) > 0 {
			fmt.Fprintf(con.err, "Columns that mean nothing here: %s\n", strings.Join(im.Unknown, ", "))
		}
		return importOrders(ctx, a, con, im, filepath.Base(c.File))
	})
}

// importOrders is one line of result for each order, and a summary.
func importOrders(ctx context.Context, a *app, con console, im *order.Import, name string) error {
	from := &batch.Batch{Kind: batch.ImportOrders, Title: name, Actor: importActor}
	counts := map[batch.ItemState]int{}
	for item, err := range a.orders.PreviewImport(ctx, im) {
		if err != nil {
			return err
		}
		if item.State == "" {
			if err := importOrder(ctx, a, from, &item); err != nil {
				return err
			}
		}
		counts[item.State]++
		if err := printItem(ctx, con, item); err != nil {
			return err
		}
	}
	fmt.Fprintf(con.err, "%d created, %d unchanged, %d refused.\n", counts[batch.ItemDone], counts[batch.Unchanged], counts[batch.ItemRefused])
	if n := counts[batch.ItemRefused]; n > 0 {
		return fmt.Errorf("%d of the orders in %s were refused", n, name)
	}
	return nil
}

// importOrder makes the order of an item and says in it what became of it.
func importOrder(ctx context.Context, a *app, from *batch.Batch, item *batch.Item) error {
	item.State = batch.ItemDone
	result, err := a.orders.Import(ctx, from, item)
	if messages, ok := batch.MessagesOf(err); ok {
		item.State, item.Messages = batch.ItemRefused, messages
		return nil
	}
	if err != nil {
		return err
	}
	item.Messages = nil
	if result.State != "" {
		item.State = result.State
	}
	return nil
}

// itemWords are what becomes of an order, for people and scripts.
var itemWords = map[batch.ItemState]string{batch.ItemDone: "created", batch.Unchanged: "unchanged", batch.ItemRefused: "refused"}

func printItem(ctx context.Context, con console, item batch.Item) error {
	number := item.Label
	if number == "" {
		number = "-"
	}
	line := fmt.Sprintf("line %d\t%s\t%s", item.Position, number, itemWords[item.State])
	if item.State == batch.ItemRefused {
		var reasons []string
		for _, m := range item.Messages {
			reasons = append(reasons, reason(ctx, m))
		}
		line += "\t" + strings.Join(reasons, " ")
	}
	if _, err := fmt.Fprintln(con.out, line); err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	return nil
}

// reason is a message with its place.
func reason(ctx context.Context, m batch.Message) string {
	args := make([]any, 0, 2*len(m.Args))
	for name, value := range m.Args {
		args = append(args, name, value)
	}
	text := i18n.T(ctx, m.Key, args...)
	switch {
	case m.Line == 0 && m.Field == "":
		return text
	case m.Line == 0:
		return m.Field + ": " + text
	case m.Field == "":
		return i18n.T(ctx, "import.at_line", "Line", m.Line, "Text", text)
	}
	return i18n.T(ctx, "import.at", "Line", m.Line, "Column", m.Field, "Text", text)
}
