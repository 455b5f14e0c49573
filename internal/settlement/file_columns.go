package settlement

import (
	"slices"
	"strings"

	"zahlwerk/internal/csvfile"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarna"
)

// Columns of a settlement report that the code names.
const (
	colReference    = "payment_reference"
	colPayoutDate   = "payout_date"
	colSettlement   = "total_settlement_amount"
	colCurrency     = "settlement_currency"
	colRegistration = "currency_code_of_registration_country"
	colKind         = "merchant_settlement_type"
	colMerchant     = "merchant_id"

	colType         = "type"
	colDetailedType = "detailed_type"
	colAmount       = "amount"
	colPosting      = "posting_currency"
	colSaleDate     = "sale_date"
	colCaptureDate  = "capture_date"
	colOrderID      = "order_id"
	colCaptureID    = "capture_id"
	colRefundID     = "refund_id"
	colTaxRate      = "tax_rate"
	colTaxAmount    = "tax_amount"
	colInstallments = "initial_number_of_installments"
)

// fileTotal is a sum of a payout: its column, where it is kept, and whether a payout is less
// for it.
type fileTotal struct {
	column string
	minus  bool
	field  func(*klarna.Totals) *int64
}

var fileTotals = []fileTotal{
	{"total_sale_amount", false, func(t *klarna.Totals) *int64 { return &t.Sale }},
	{"total_return_amount", true, func(t *klarna.Totals) *int64 { return &t.Return }},
	{"total_reversal_amount", true, func(t *klarna.Totals) *int64 { return &t.Reversal }},
	{"total_fee_amount", true, func(t *klarna.Totals) *int64 { return &t.Fee }},
	{"total_fee_refund_amount", false, func(t *klarna.Totals) *int64 { return &t.FeeRefund }},
	{"total_fee_correction_amount", false, func(t *klarna.Totals) *int64 { return &t.FeeCorrection }},
	{"total_tax_amount", true, func(t *klarna.Totals) *int64 { return &t.Tax }},
	{"total_tax_refund_amount", false, func(t *klarna.Totals) *int64 { return &t.TaxRefund }},
	{"total_commission_amount", false, func(t *klarna.Totals) *int64 { return &t.Commission }},
	{"total_commission_reversal_amount", true, func(t *klarna.Totals) *int64 { return &t.CommissionReversal }},
	{"total_charge_amount", true, func(t *klarna.Totals) *int64 { return &t.Charge }},
	{"total_credit_amount", false, func(t *klarna.Totals) *int64 { return &t.Credit }},
	{"total_holdback_amount", true, func(t *klarna.Totals) *int64 { return &t.Holdback }},
	{"total_release_amount", false, func(t *klarna.Totals) *int64 { return &t.Release }},
	{"total_repay_amount", true, func(t *klarna.Totals) *int64 { return &t.Repay }},
	{"total_deposit_amount", false, func(t *klarna.Totals) *int64 { return &t.Deposit }},
	{"opening_debt_balance", false, func(t *klarna.Totals) *int64 { return &t.OpeningDebtBalance }},
	{"closing_debt_balance", false, func(t *klarna.Totals) *int64 { return &t.ClosingDebtBalance }},
}

// typeTotals says in which total the lines of a type are summed.
var typeTotals = map[klarna.TransactionType]string{
	klarna.TypeSale: "total_sale_amount", klarna.TypeReturn: "total_return_amount", klarna.TypeReversal: "total_reversal_amount",
	klarna.TypeFee: "total_fee_amount", klarna.TypeFeeRefund: "total_fee_refund_amount", klarna.TypeCorrection: "total_fee_correction_amount",
	klarna.TypeTax: "total_tax_amount", klarna.TypeCommission: "total_commission_amount", klarna.TypeCharge: "total_charge_amount",
	klarna.TypeCredit: "total_credit_amount", klarna.TypeHoldback: "total_holdback_amount", klarna.TypeRelease: "total_release_amount",
}

// fileTexts are the columns of a transaction that are taken as they are.
var fileTexts = []struct {
	column string
	field  func(*klarna.Transaction) *string
}{
	{colDetailedType, func(t *klarna.Transaction) *string { return &t.DetailedType }},
	{colOrderID, func(t *klarna.Transaction) *string { return &t.OrderID }},
	{colCaptureID, func(t *klarna.Transaction) *string { return &t.CaptureID }},
	{colRefundID, func(t *klarna.Transaction) *string { return &t.RefundID }},
	{"short_order_id", func(t *klarna.Transaction) *string { return &t.ShortOrderID }},
	{"merchant_reference1", func(t *klarna.Transaction) *string { return &t.MerchantReference1 }},
	{"merchant_reference2", func(t *klarna.Transaction) *string { return &t.MerchantReference2 }},
	{"merchant_capture_reference", func(t *klarna.Transaction) *string { return &t.MerchantCaptureReference }},
	{"merchant_refund_reference", func(t *klarna.Transaction) *string { return &t.MerchantRefundReference }},
	{"reversal_reference", func(t *klarna.Transaction) *string { return &t.ReversalReference }},
	{"purchase_country", func(t *klarna.Transaction) *string { return &t.PurchaseCountry }},
	{"shipping_country", func(t *klarna.Transaction) *string { return &t.ShippingCountry }},
	{"initial_payment_method_type", func(t *klarna.Transaction) *string { return &t.InitialPaymentMethodType }},
	{"klarna_comment", func(t *klarna.Transaction) *string { return &t.KlarnaComment }},
}

// blockKind is what a table of the report is about.
type blockKind int

const (
	summaryBlock blockKind = iota
	transactionBlock
	blockKinds
)

// fileColumns are the columns of the tables by the names that Klarna documents, and by
// those of the API.
var fileColumns = [blockKinds][]csvfile.Column{
	summaryBlock: append([]csvfile.Column{
		{Name: colReference}, {Name: colPayoutDate}, {Name: colSettlement, Aliases: []string{"settlement_amount"}},
		{Name: colCurrency, Aliases: []string{"currency_code", "currency"}}, {Name: colRegistration}, {Name: colKind}, {Name: colMerchant},
		{Name: "submerchant_id"},
	}, totalColumns()...),
	transactionBlock: append([]csvfile.Column{
		{Name: colType}, {Name: colAmount}, {Name: colPosting, Aliases: []string{"currency_code", "currency"}},
		{Name: colSaleDate}, {Name: colCaptureDate}, {Name: colReference}, {Name: colInstallments},
		{Name: colTaxRate, Aliases: []string{"vat_rate"}}, {Name: colTaxAmount, Aliases: []string{"vat_amount"}},
		{Name: colTaxRate + "_1"}, {Name: colTaxAmount + "_1"}, {Name: "tax_rate_2"}, {Name: "tax_amount_2"},
		{Name: "tax_rate_3"}, {Name: "tax_amount_3"}, {Name: "tax_rate_4"}, {Name: "tax_amount_4"},
		{Name: "initial_payment_method_monthly_downpayments"}, {Name: "submerchant_id"}, {Name: colMerchant},
	}, textColumns()...),
}

// fileRequired are the columns without which a table can't be understood.
var fileRequired = [blockKinds][]string{
	summaryBlock:     {colReference, colPayoutDate, colSettlement},
	transactionBlock: {colType, colAmount},
}

// fileFigures are the columns with amounts in them, which tell how the file writes fractions.
var fileFigures = [blockKinds][]string{
	summaryBlock:     append([]string{colSettlement}, columnsOf(fileTotals)...),
	transactionBlock: {colAmount, colTaxRate, colTaxAmount, colTaxRate + "_1", colTaxAmount + "_1"},
}

// fileDates are the columns with dates in them.
var fileDates = [blockKinds][]string{
	summaryBlock:     {colPayoutDate},
	transactionBlock: {colSaleDate, colCaptureDate},
}

func columnsOf(totals []fileTotal) (names []string) {
	for _, t := range totals {
		names = append(names, t.column)
	}
	return names
}

// totalColumns are those of the sums, which the API names without their beginning.
func totalColumns() (columns []csvfile.Column) {
	for _, name := range columnsOf(fileTotals) {
		columns = append(columns, csvfile.Column{Name: name, Aliases: []string{strings.TrimPrefix(name, "total_")}})
	}
	return columns
}

func textColumns() (columns []csvfile.Column) {
	for _, t := range fileTexts {
		columns = append(columns, csvfile.Column{Name: t.column})
	}
	return columns
}

// fileNames are the names of all columns of a kind of table, folded.
var fileNames = func() (names [blockKinds]map[string]bool) {
	for kind, columns := range fileColumns {
		names[kind] = map[string]bool{}
		for _, c := range columns {
			for _, name := range append(c.Aliases, c.Name) {
				names[kind][csvfile.Fold(name)] = true
			}
		}
	}
	return names
}()

// isFileHeader knows the header of a table by its names: most of the cells are columns of
// a settlement report, and none begins like a number, as every row with an amount does.
func isFileHeader(cells []string) bool {
	filled := 0
	for _, cell := range cells {
		if cell == "" {
			continue
		}
		if c := cell[0]; c >= '0' && c <= '9' || c == '-' || c == '+' {
			return false
		}
		filled++
	}
	_, known := kindOf(cells)
	return known >= 2 && 2*known > filled
}

// kindOf tells what a table with these columns is about, and how many of them are known.
func kindOf(header []string) (kind blockKind, known int) {
	for k, names := range fileNames {
		n := 0
		for _, name := range header {
			if names[csvfile.Fold(name)] {
				n++
			}
		}
		if n > known {
			kind, known = blockKind(k), n
		}
	}
	return kind, known
}

// fileBlock is a table of the file.
type fileBlock struct {
	*csvfile.Columns
	kind blockKind
}

// blockOf finds the columns of a table. Errors: Invalid when some are missing.
func blockOf(b *csvfile.Block) (*fileBlock, error) {
	kind, _ := kindOf(b.Header)
	columns, err := b.Find(fileColumns[kind])
	if err != nil {
		return nil, err
	}
	missing := slices.DeleteFunc(slices.Clone(fileRequired[kind]), columns.Has)
	if len(missing) > 0 {
		return nil, fault.New(fault.Invalid, "settlement_file.error.columns_missing", "Line", b.Line, "Columns", strings.Join(missing, ", "))
	}
	return &fileBlock{columns, kind}, nil
}
