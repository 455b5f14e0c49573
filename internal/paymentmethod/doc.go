// Package paymentmethod holds how customers pay (Zahlungsweisen): what an admin sets
// up, the sealed credentials for Klarna, and whether a method is fit to talk to Klarna
// at this moment (paused, waiting). It does not know orders.
package paymentmethod
