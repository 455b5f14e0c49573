package fault

// Checker collects what is wrong with an input, so that a person hears of all
// of it at once. Its zero value is ready.
//
//	var f fault.Checker
//	if in.Name == "" {
//		f.Add("name", "error.required")
//	}
//	return f.Err()
type Checker struct{ fields []Field }

// Add records that the field name is wrong, with the key of the message and
// the arguments of its template.
func (c *Checker) Add(name, key string, args ...any) {
	c.fields = append(c.fields, Field{Name: name, Key: key, Args: args})
}

// Err returns nil when nothing was added, else an [*Error] with the code
// [Invalid] and the key [InvalidInput].
func (c *Checker) Err() error {
	if len(c.fields) == 0 {
		return nil
	}
	return &Error{Code: Invalid, Key: InvalidInput, Fields: c.fields}
}
