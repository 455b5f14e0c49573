// Package carrier knows who brings parcels (Versandunternehmen): their names, Klarna's
// codes for them, the address at which a customer follows a parcel, and what their
// tracking numbers look like. All of it is a table that an admin edits; what is code
// here are the check digits of the published number formats, which a row names.
//
// It does not know parcels.
package carrier
