package simulation

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const minutesOfDay = 24 * 60

// beside gives the files of run times and of memory that belong to a file of
// calls, by what its name has in the dataset and in samples of it.
var beside = []struct{ calls, run, memory string }{
	{"invocations_per_function_md", "function_durations_percentiles", "app_memory_percentiles"},
	{"invocations", "durations", "memory"},
	{"inv", "run", "mem"},
}

// Azure reads Microsoft's AzureFunctionsDataset2019, or a sample of it: a file
// with a row for each function and a column for each minute of a day, plain or
// gzipped, or a folder with one such file for each day. Run times and memory are
// taken from the files beside it, where they are.
func Azure(path string) (*Trace, error) {
	files, err := days(path)
	if err != nil {
		return nil, err
	}
	t := &Trace{Name: filepath.Base(path), Start: epoch}
	index := map[string]int{} // function -> its place in t.Services
	apps := map[string][]int{}
	for _, file := range files {
		if err := t.day(file, index, apps); err != nil {
			return nil, err
		}
	}
	for _, file := range files {
		if err := t.details(file, index, apps); err != nil {
			return nil, err
		}
	}
	t.sort()
	return t, nil
}

// days lists the files of calls that a path stands for.
func days(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	for _, b := range beside {
		var files []string
		for _, form := range []string{"*.csv", "*.csv.gz"} {
			found, err := filepath.Glob(filepath.Join(path, "*"+b.calls+form))
			if err != nil {
				return nil, err
			}
			files = append(files, found...)
		}
		if len(files) > 0 {
			slices.Sort(files)
			return files, nil
		}
	}
	return nil, fmt.Errorf("%s has no file of calls such as inv.csv, inv.csv.gz or invocations_per_function_md.anon.d01.csv", path)
}

// day adds a file of calls after the minutes that are there.
func (t *Trace) day(path string, index map[string]int, apps map[string][]int) error {
	first := t.Minutes
	return rows(path, func(head map[string]int, row []string) error {
		function, app, minutes := head["HashFunction"], head["HashApp"], head["minutes"]
		if minutes == 0 {
			return errors.New("the first line names no column minute_1 or 1, after those of HashApp and HashFunction")
		}
		if len(row) < minutes {
			return fmt.Errorf("%d columns, want %d and the minutes", len(row), minutes)
		}
		key := row[app] + " " + row[function]
		i, known := index[key]
		if !known {
			i = len(t.Services)
			index[key] = i
			apps[row[app]] = append(apps[row[app]], i)
			t.Services = append(t.Services, Service{Name: row[function]})
		}
		s := &t.Services[i]
		for m, cell := range row[minutes:] {
			if cell == "" && m == len(row)-minutes-1 {
				break // a comma ends the line
			}
			n, err := strconv.ParseInt(cell, 10, 32)
			if err != nil || n < 0 {
				return fmt.Errorf("minute %d: %q is not a number of calls", m+1, cell)
			}
			t.Minutes = max(t.Minutes, first+m+1)
			if n > 0 {
				s.Calls = append(s.Calls, Calls{int32(first + m), int32(n)})
			}
		}
		return nil
	})
}

// details adds what the files beside a file of calls say.
func (t *Trace) details(path string, index map[string]int, apps map[string][]int) error {
	dir, name := filepath.Split(path)
	for _, b := range beside {
		if !strings.Contains(name, b.calls) {
			continue
		}
		for _, side := range []struct {
			name, column string
			set          func(row []string, head map[string]int, x float64)
		}{
			{b.run, "Average", func(row []string, head map[string]int, x float64) {
				if i, ok := index[row[head["HashApp"]]+" "+row[head["HashFunction"]]]; ok {
					t.Services[i].Run = time.Duration(x * float64(time.Millisecond))
				}
			}},
			{b.memory, "AverageAllocatedMb", func(row []string, head map[string]int, x float64) {
				for _, i := range apps[row[head["HashApp"]]] {
					t.Services[i].Memory = int(x)
				}
			}},
		} {
			file := filepath.Join(dir, strings.Replace(name, b.calls, side.name, 1))
			err := rows(file, func(head map[string]int, row []string) error {
				at, ok := head[side.column]
				if !ok || at >= len(row) {
					return fmt.Errorf("there is no column %s", side.column)
				}
				x, err := strconv.ParseFloat(row[at], 64)
				if err != nil {
					return fmt.Errorf("%s: %q is not a number", side.column, row[at])
				}
				side.set(row, head, x)
				return nil
			})
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return nil
	}
	return nil
}

// rows tells f of each row of a CSV file, with the places of its columns by
// name; "minutes" is that of the first minute. Faults are told with file and line.
func rows(path string, f func(head map[string]int, row []string) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // was only read
	var in io.Reader = bufio.NewReaderSize(file, 1<<20)
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(in); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	r := csv.NewReader(in)
	r.FieldsPerRecord, r.ReuseRecord = -1, true
	first, err := r.Read()
	if err != nil {
		return fmt.Errorf("%s:1: read the names of its columns: %w", path, err)
	}
	head := map[string]int{}
	for i, name := range first {
		if name == "minute_1" || name == "1" {
			head["minutes"] = i
		}
		head[name] = i
	}
	for _, need := range []string{"HashApp"} {
		if _, ok := head[need]; !ok {
			return fmt.Errorf("%s:1: there is no column %s: it is not a file of AzureFunctionsDataset2019", path, need)
		}
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if fault, ok := errors.AsType[*csv.ParseError](err); ok {
			return fmt.Errorf("%s:%d:%d: %w", path, fault.Line, fault.Column, fault.Err)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		line, _ := r.FieldPos(0)
		if err := f(head, row); err != nil {
			return fmt.Errorf("%s:%d: %w", path, line, err)
		}
	}
}
