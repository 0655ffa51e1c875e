package simulation

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Sample is a line of dynsvc's own exports: how a service was used in one bucket
// of time.
type Sample struct {
	Service string    `json:"service"`
	Start   time.Time `json:"start"`
	Width   float64   `json:"width_s"`
	Calls   int64     `json:"calls"`
	Busy    float64   `json:"busy_s"`           // calls in flight, summed over the bucket's time
	Memory  int       `json:"memory,omitempty"` // MiB of an instance
}

// Samples reads an export: a JSON object a line, in any order. A bucket is taken
// to be in the minute that it begins in, but for those longer than a minute,
// whose calls are spread evenly: their minutes are not known any more.
func Samples(path string) (*Trace, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // was only read
	var in io.Reader = bufio.NewReaderSize(file, 1<<20)
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(in); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	u := usages{}
	lines := bufio.NewScanner(in)
	n := 0
	for lines.Scan() {
		if n++; len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var s Sample
		decoder := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&s); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		if s.Service == "" || s.Start.IsZero() || s.Width <= 0 || s.Calls < 0 {
			return nil, fmt.Errorf("%s:%d: a sample needs a service, a start, a width_s above 0 and calls of 0 or more", path, n)
		}
		u.add(&s)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s:%d: %w", path, n+1, err)
	}
	t := u.trace(filepath.Base(path))
	if t.Minutes == 0 {
		return nil, fmt.Errorf("%s has no sample with calls", path)
	}
	return t, nil
}

// usages are the minutes of services, by name and minute.
type usages map[string]*used

type used struct {
	minutes map[int64]int64
	busy    float64
	calls   int64
	memory  int
}

func (u usages) add(s *Sample) {
	of, ok := u[s.Service]
	if !ok {
		of = &used{minutes: map[int64]int64{}}
		u[s.Service] = of
	}
	first := s.Start.Unix() / 60
	wide := max(1, int64(s.Width/60))
	for i := range wide {
		if n := s.Calls*(i+1)/wide - s.Calls*i/wide; n > 0 {
			of.minutes[first+i] += n
		}
	}
	of.calls += s.Calls
	of.busy += s.Busy
	of.memory = max(of.memory, s.Memory)
}

func (u usages) trace(name string) *Trace {
	first, last := int64(1<<62), int64(0)
	for _, of := range u {
		for minute := range of.minutes {
			first, last = min(first, minute), max(last, minute)
		}
	}
	if last == 0 {
		return &Trace{Name: name}
	}
	t := &Trace{Name: name, Start: time.Unix(60*first, 0).UTC(), Minutes: int(last - first + 1)}
	for id, of := range u {
		s := Service{Name: id, Memory: of.memory}
		if of.calls > 0 {
			s.Run = time.Duration(of.busy / float64(of.calls) * float64(time.Second))
		}
		for minute := first; minute <= last; minute++ {
			if n := of.minutes[minute]; n > 0 {
				s.Calls = append(s.Calls, Calls{int32(minute - first), int32(min(n, 1<<31-1))})
			}
		}
		t.Services = append(t.Services, s)
	}
	t.sort()
	return t
}
