//go:build !race

package bookkeeping_test

const raced = false
