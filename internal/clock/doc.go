// Package clock is the time as the rest of the program sees it: in UTC, cut to
// microseconds (what both databases keep), and movable, so that the demo and the
// tests can play 23 hours or a week in a second.
package clock
