package klarnasandbox

import "math"

// The request bodies of the API, with the limits of Klarna's specification; a test compares
// them with it.
var (
	shippingInfoSchema = object(
		may("shipping_company", text(100)),
		may("shipping_method", matching("(PickUpStore|Home|BoxReg|BoxUnreg|PickUpPoint|Own|Postal|DHLPackstation|Digital|"+
			"Undefined|PickUpWarehouse|ClickCollect|PalletDelivery)")),
		may("tracking_number", text(100)),
		may("tracking_uri", text(1024)),
		may("return_shipping_company", text(100)),
		may("return_tracking_number", text(100)),
		may("return_tracking_uri", text(1024)),
	)

	orderLineSchema = object(
		may("type", oneOf("physical", "discount", "shipping_fee", "sales_tax", "store_credit", "gift_card", "digital",
			"surcharge", "return_fee")),
		may("reference", text(255)),
		must("name", text(255)),
		must("quantity", integer(0, math.MaxInt64)),
		may("quantity_unit", text(10)),
		must("unit_price", integer(math.MinInt64, maxAmount)),
		may("tax_rate", integer(0, math.MaxInt32)),
		must("total_amount", integer(math.MinInt64, maxAmount)),
		may("total_discount_amount", integer(0, maxAmount)),
		may("total_tax_amount", integer(math.MinInt64, maxAmount)),
		may("merchant_data", text(1024)),
		may("product_url", text(1024)),
		may("image_url", text(1024)),
		may("product_identifiers", object(
			may("brand", text(70)),
			may("category_path", text(750)),
			may("color", text(64)),
			may("global_trade_item_number", text(50)),
			may("manufacturer_part_number", text(70)),
			may("size", text(64)),
		)),
		may("subscription", object(
			must("interval", matching("DAY|WEEK|MONTH|YEAR")),
			must("interval_count", integer(1, math.MaxInt32)),
			must("name", text(255)),
		)),
	)

	addressSchema = object(
		may("title", text(20)),
		may("given_name", text(100)),
		may("family_name", text(100)),
		may("organization_name", text(255)),
		may("attention", text(255)),
		may("street_address", text(100)),
		may("street_address2", text(100)),
		may("postal_code", text(10)),
		may("city", text(200)),
		may("region", text(200)),
		may("country", text(math.MaxInt64)),
		may("email", text(100)),
		may("phone", text(100)),
	)

	captureSchema = object(
		must("captured_amount", integer(0, maxAmount)),
		may("description", text(255)),
		may("reference", text(255)),
		may("order_lines", list(0, 1000, orderLineSchema)),
		may("shipping_info", list(0, 500, shippingInfoSchema)),
		may("shipping_delay", integer(0, math.MaxInt64)),
	)

	appendShippingSchema = object(must("shipping_info", list(1, 500, shippingInfoSchema)))

	dueDateSchema = object(must("number_of_days", integer(math.MinInt32, math.MaxInt32)))

	authorizationSchema = object(
		must("order_amount", integer(0, maxAmount)),
		may("description", text(255)),
		may("order_lines", list(0, 1000, orderLineSchema)),
	)

	referencesSchema = object(
		may("merchant_reference1", text(255)),
		may("merchant_reference2", text(255)),
	)

	customerSchema = object(may("shipping_address", addressSchema))

	refundSchema = object(
		must("refunded_amount", integer(0, maxAmount)),
		may("description", text(255)),
		may("reference", text(255)),
		may("order_lines", list(0, 1000, orderLineSchema)),
	)
)
