//go:build race

package policy

const race = true
