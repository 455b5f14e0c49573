// Package mail sends mails: a mail is a row that is worked on until it is sent or given
// up. It holds how to reach the merchant's mail server. It does not know what the mails
// are about.
package mail
