// Package audit is the log of who changed what in the settings: users, API tokens,
// payment methods, carriers, mails, dunning, the schedule of autoship, company data.
//
// An entry is written in the transaction that makes the change, so there is no change
// without its entry and no entry without its change. Each entry carries the hash of
// the one before; [Trail.Verify] therefore finds the first entry that was altered,
// removed or slipped in later. Secrets never come here: of a password the log only
// knows that it was changed, see [Changes.Secret].
//
// It must not know what the actions mean; texts for people are made from their keys.
package audit
