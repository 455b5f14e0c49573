// Package mail sends the mail that tells a customer how to follow a parcel. It holds the
// merchant's settings (the mail server, the sender, the texts), and the mails.
//
// A mail is a row that is work. It is planned in the transaction that records a parcel,
// waits [Delay] for further parcels of the same delivery note, and is composed only when
// it is sent, so that it tells what is true then: a parcel that was removed meanwhile is
// not in it, and a cancelled order gets none. A mail server that can't be reached, or
// that says "later", is tried again; see [Failure.Temporary]. Whatever becomes of a mail,
// the shipment stays as it is.
//
// SMTP can't promise "exactly once": a connection may break between the server's taking a
// mail and its saying so, and this program may end right there. Such a mail goes again,
// because a customer would rather read the number twice than never. Both have the same
// Message-ID, by which many mail programs show them once.
//
// It does not know orders and parcels: dispatch composes the mails and writes what became
// of them into the protocol, through [Service.Handle].
package mail
