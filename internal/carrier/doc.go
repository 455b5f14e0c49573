// Package carrier knows the carriers: their names, Klarna's codes for them, and the
// address at which a customer follows a parcel. It does not know parcels.
package carrier
