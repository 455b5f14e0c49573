// Package mailtest gives tests a mail server on this machine that keeps what it is sent
// and can be told to refuse, to fall silent and to hang up. It is for tests only.
package mailtest
