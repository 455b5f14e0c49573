// Package money holds the arithmetic of amounts and quantities: how they are
// written and read in German and English, and how they are shared out without
// losing a cent.
//
// An amount is an int64 in minor units of its currency (cents), a [Quantity] an
// int64 in thousandths. There are no floats here, and every product that could
// leave 64 bits is computed in 128.
package money
