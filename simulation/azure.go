package simulation

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// beside gives the files of run times and of memory that belong to a file of
// calls, by what its name has in the dataset and in samples of it.
var beside = []struct{ calls, run, memory string }{
	{"invocations_per_function_md", "function_durations_percentiles", "app_memory_percentiles"},
	{"invocations", "durations", "memory"},
	{"inv", "run", "mem"},
}

// azure is a trace that is being read.
type azure struct {
	trace     *Trace
	functions map[string]int   // app and function -> its place in trace.Services
	apps      map[string][]int // app -> the places of its functions
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
	a := azure{&Trace{Name: filepath.Base(path), Start: epoch}, map[string]int{}, map[string][]int{}}
	for _, file := range files {
		if err := a.day(file); err != nil {
			return nil, err
		}
	}
	for _, file := range files {
		if err := a.details(file); err != nil {
			return nil, err
		}
	}
	if a.trace.Total() == 0 {
		return nil, fmt.Errorf("%s has no calls", path)
	}
	a.trace.sort()
	return a.trace, nil
}

// days lists the files of calls that a path stands for, in the order of their days.
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
			return files, consecutive(files)
		}
	}
	return nil, fmt.Errorf("%s has no file of calls such as inv.csv, inv.csv.gz or invocations_per_function_md.anon.d01.csv", path)
}

var dayInName = regexp.MustCompile(`\.d([0-9]{1,4})\.csv(\.gz)?$`)

// consecutive checks that files follow each other day by day: a day that is not
// there would be taken for one in which nobody called, or would move those after it.
func consecutive(files []string) error {
	for i := 1; i < len(files); i++ {
		a, b := files[i-1], files[i]
		if strings.TrimSuffix(a, ".gz") == strings.TrimSuffix(b, ".gz") {
			return fmt.Errorf("%s and %s are the same day: remove one of them", a, b)
		}
		before, after := dayInName.FindStringSubmatch(a), dayInName.FindStringSubmatch(b)
		if before == nil || after == nil {
			continue // in the order of their names
		}
		x, _ := strconv.Atoi(before[1]) // the expression lets nothing but digits through
		y, _ := strconv.Atoi(after[1])
		if y != x+1 {
			return fmt.Errorf("%s follows %s: days that follow each other are needed, as the time between them is not known; give a folder for each row of days", b, a)
		}
	}
	return nil
}

// day adds a file of calls after the minutes that are there.
func (a *azure) day(path string) error {
	first := a.trace.Minutes
	t, err := openTable(path, "HashApp", "HashFunction")
	if err != nil {
		return err
	}
	defer t.close()
	minutes, err := t.minutes()
	if err != nil {
		return err
	}
	width := len(t.head) - minutes
	a.trace.Minutes = first + width
	return t.each(func(row []string) error {
		if len(row) == minutes+width+1 && row[len(row)-1] == "" {
			row = row[:len(row)-1] // a comma ends the line
		}
		if len(row) != minutes+width {
			return fmt.Errorf("%d columns, want %d and the %d minutes", len(row), minutes, width)
		}
		s := a.function(row[t.at["HashApp"]], row[t.at["HashFunction"]])
		today := len(s.Calls)
		for today > 0 && int(s.Calls[today-1].Minute) >= first {
			today-- // it has had a row of this day, say for another trigger
		}
		again := today < len(s.Calls)
		for m, cell := range row[minutes:] {
			if cell == "0" {
				continue
			}
			n, err := number(cell)
			if err != nil {
				return fmt.Errorf("minute %d: %w", m+1, err)
			}
			if n > 0 {
				s.Calls = append(s.Calls, Calls{int32(first + m), n})
			}
		}
		if again {
			return merge(s, today, first)
		}
		return nil
	})
}

// function returns an app's function.
func (a *azure) function(app, name string) *Service {
	key := app + " " + name
	i, known := a.functions[key]
	if !known {
		i = len(a.trace.Services)
		// The row that names them is used again, so they are copied.
		a.functions[key] = i
		a.apps[strings.Clone(app)] = append(a.apps[app], i)
		a.trace.Services = append(a.trace.Services, Service{Name: strings.Clone(name)})
	}
	return &a.trace.Services[i]
}

// number reads the calls of a minute.
func number(cell string) (int32, error) {
	n, err := strconv.ParseInt(cell, 10, 32)
	switch {
	case cell == "":
		return 0, errors.New("it is blank: write 0 where there were no calls")
	case errors.Is(err, strconv.ErrRange) && cell[0] != '-':
		return 0, fmt.Errorf("%s calls in a minute are more than can be replayed", cell)
	case err != nil || n < 0:
		return 0, fmt.Errorf("%q is not a number of calls", cell)
	}
	return int32(n), nil
}

// merge adds up the calls of a day that came in several rows.
func merge(s *Service, today, first int) error {
	calls := s.Calls[today:]
	slices.SortFunc(calls, func(a, b Calls) int { return int(a.Minute - b.Minute) })
	out := calls[:1]
	for _, c := range calls[1:] {
		last := &out[len(out)-1]
		if last.Minute != c.Minute {
			out = append(out, c)
			continue
		}
		if last.Number += c.Number; last.Number < 0 {
			return fmt.Errorf("minute %d: its rows have more calls together than can be replayed", int(c.Minute)-first+1)
		}
	}
	s.Calls = s.Calls[:today+len(out)]
	return nil
}

// details adds what the files beside a file of calls say.
func (a *azure) details(path string) error {
	dir, name := filepath.Split(path)
	for _, b := range beside {
		if !strings.Contains(name, b.calls) {
			continue
		}
		run, memory := strings.Replace(name, b.calls, b.run, 1), strings.Replace(name, b.calls, b.memory, 1)
		return errors.Join(a.runs(filepath.Join(dir, run)), a.memory(filepath.Join(dir, memory)))
	}
	return nil
}

func (a *azure) runs(path string) error {
	return aside(path, "Average", []string{"HashApp", "HashFunction"}, func(of []string, x float64) {
		if i, ok := a.functions[of[0]+" "+of[1]]; ok {
			a.trace.Services[i].Run = time.Duration(x * float64(time.Millisecond))
		}
	})
}

func (a *azure) memory(path string) error {
	return aside(path, "AverageAllocatedMb", []string{"HashApp"}, func(of []string, x float64) {
		for _, i := range a.apps[of[0]] {
			a.trace.Services[i].Memory = int(x)
		}
	})
}

// mostAside is the longest run time in milliseconds, twelve days, and the most
// memory in MiB that are believed.
const mostAside = 1 << 30

// aside reads a number of each row of a file, plain or gzipped, where there is one.
func aside(path, column string, keys []string, f func(of []string, x float64)) error {
	t, err := openTable(path, append(slices.Clone(keys), column)...)
	if errors.Is(err, fs.ErrNotExist) {
		if other, zipped := strings.CutSuffix(path, ".gz"); zipped {
			t, err = openTable(other, append(slices.Clone(keys), column)...)
		} else {
			t, err = openTable(path+".gz", append(slices.Clone(keys), column)...)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer t.close()
	of := make([]string, len(keys))
	return t.each(func(row []string) error {
		for i, k := range keys {
			of[i] = row[t.at[k]]
		}
		cell := row[t.at[column]]
		x, err := strconv.ParseFloat(cell, 64)
		if cell == "" || x < 0 {
			return nil // not known
		}
		if err != nil || !(x <= mostAside) {
			return fmt.Errorf("%s: %q is not a number up to %d", column, cell, int(mostAside))
		}
		f(of, x)
		return nil
	})
}
