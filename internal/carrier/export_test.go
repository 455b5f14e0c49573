package carrier

import "zahlwerk/internal/fault"

// Check checks an input by itself.
func (in Input) Check() error {
	in.normalise()
	var f fault.Checker
	in.check(&f)
	return f.Err()
}

// CheckDigit tells whether the named check digit of a number holds.
func CheckDigit(name, number string) bool { return checks[name](number) }
