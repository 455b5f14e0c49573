//go:build !race

package capture_test

const raced = false
