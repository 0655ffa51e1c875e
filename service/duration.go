package service

import (
	"fmt"
	"time"
)

// Duration is a [time.Duration] that is written as "1m30s" in JSON and HCL.
type Duration struct{ time.Duration }

// MarshalText writes the form that [time.ParseDuration] reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the form that [time.ParseDuration] reads.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("a duration is written like 90s, 10m or 1h30m: %w", err)
	}
	d.Duration = v
	return nil
}
