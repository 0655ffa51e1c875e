package simulation_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/simulation"
)

// files writes a folder; what is named .gz is gzipped.
func files(t *testing.T, texts map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range texts {
		data := []byte(text)
		if strings.HasSuffix(name, ".gz") {
			data = zipped(t, text)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

const head = "HashOwner,HashApp,HashFunction,Trigger,1,2,3\n"

func TestAzureFilesAreRead(t *testing.T) {
	f := simulation.Service{Name: "f", Calls: []simulation.Calls{{Minute: 1, Number: 2}, {Minute: 2, Number: 1}}}
	for _, tt := range []struct {
		name    string
		files   map[string]string
		minutes int
		want    []simulation.Service
	}{
		{"a sample, with run times and memory beside it", map[string]string{
			"inv.csv.gz": "HashFunction,HashApp,HashOwner,minute_1,minute_2,minute_3,\nf,app,o,0,2,1,\ng,app,o,0,0,0,\n",
			"run.csv.gz": "HashFunction,HashApp,HashOwner,Count,Average\nf,app,o,3,1500\n",
			"mem.csv.gz": "HashApp,HashOwner,SampleCount,AverageAllocatedMb\napp,o,9,170\n",
		}, 3, []simulation.Service{
			{Name: "f", Memory: 170, Run: 1500 * time.Millisecond, Calls: f.Calls}, {Name: "g", Memory: 170},
		}},
		{"days, some of which a function is not in, plain and gzipped", map[string]string{
			"invocations_per_function_md.anon.d01.csv":       head + "o,app,f,timer,0,2,1\n",
			"invocations_per_function_md.anon.d02.csv.gz":    head + "o,app,g,http,7,0,0\n",
			"invocations_per_function_md.anon.d03.csv":       head + "o,app,f,timer,1,0,0\n",
			"function_durations_percentiles.anon.d01.csv.gz": "HashOwner,HashApp,HashFunction,Average,Count\no,app,f,20,3\no,app,h,20,3\n",
			"function_durations_percentiles.anon.d02.csv":    "HashOwner,HashApp,HashFunction,Average,Count\no,app,g,-1,1\n",
			"app_memory_percentiles.anon.d01.csv":            "HashOwner,HashApp,SampleCount,AverageAllocatedMb\no,app,9,\n",
			"README.md":                                      "what is not of the dataset is left alone",
		}, 9, []simulation.Service{
			{Name: "f", Run: 20 * time.Millisecond, Calls: []simulation.Calls{{Minute: 1, Number: 2}, {Minute: 2, Number: 1}, {Minute: 6, Number: 1}}},
			{Name: "g", Calls: []simulation.Calls{{Minute: 3, Number: 7}}},
		}},
		{"a day without a row", map[string]string{
			"invocations_per_function_md.anon.d01.csv": head,
			"invocations_per_function_md.anon.d02.csv": head + "o,app,f,timer,1,0,0\n",
		}, 6, []simulation.Service{{Name: "f", Calls: []simulation.Calls{{Minute: 3, Number: 1}}}}},
		{"a mark of the order of bytes, and carriage returns", map[string]string{
			"inv.csv": "\ufeff" + strings.ReplaceAll(head+"o,app,f,timer,0,2,1\n", "\n", "\r\n"),
		}, 3, []simulation.Service{f}},
		{"no end of the last line", map[string]string{"inv.csv": head + "o,app,f,timer,0,2,1"}, 3, []simulation.Service{f}},
		{"a function in two rows of a day", map[string]string{
			"inv.csv": head + "o,app,f,timer,0,1,1\no,app,f,http,0,1,0\n",
		}, 3, []simulation.Service{f}},
		{"functions of the same name in three apps", map[string]string{
			"inv.csv": head + "o,a,f,timer,1,0,0\no,b,f,timer,0,1,0\no,c,f,timer,0,0,1\n",
		}, 3, []simulation.Service{
			{Name: "f", Calls: []simulation.Calls{{Minute: 0, Number: 1}}},
			{Name: "f'", Calls: []simulation.Calls{{Minute: 1, Number: 1}}},
			{Name: "f''", Calls: []simulation.Calls{{Minute: 2, Number: 1}}},
		}},
		{"as many calls as can be replayed", map[string]string{"inv.csv": head + "o,app,f,timer,2147483647,0,0\n"}, 3,
			[]simulation.Service{{Name: "f", Calls: []simulation.Calls{{Minute: 0, Number: 2147483647}}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := simulation.Open(files(t, tt.files))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.Services); diff != "" || got.Minutes != tt.minutes {
				t.Errorf("%d minutes, want %d; services (-want +got):\n%s", got.Minutes, tt.minutes, diff)
			}
		})
	}
}

// What cannot be read is one error that names the file, the line and what is wrong.
func TestFaultsOfAzureFilesAreNamed(t *testing.T) {
	const row = "o,app,f,timer,1,0,0\n"
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"a word", map[string]string{"inv.csv.gz": head + "o,app,f,timer,0,many,0\n"}, `inv.csv.gz:2: minute 2: "many" is not a number of calls`},
		{"a blank", map[string]string{"inv.csv": head + row + "o,app,f,timer,0,,0\n"}, "inv.csv:3: minute 2: it is blank: write 0 where there were no calls"},
		{"a part of a call", map[string]string{"inv.csv": head + "o,app,f,timer,0,1.5,0\n"}, `inv.csv:2: minute 2: "1.5" is not a number of calls`},
		{"fewer than none", map[string]string{"inv.csv": head + "o,app,f,timer,-1,0,0\n"}, `inv.csv:2: minute 1: "-1" is not a number of calls`},
		{"too many", map[string]string{"inv.csv": head + "o,app,f,timer,0,0,2147483648\n"}, "inv.csv:2: minute 3: 2147483648 calls in a minute are more than can be replayed"},
		{"too many together", map[string]string{"inv.csv": head + strings.Repeat("o,app,f,timer,0,0,2147483647\n", 2)}, "inv.csv:3: minute 3: its rows have more calls together than can be replayed"},
		{"a row cut short", map[string]string{"inv.csv": head + row + "o,app,f,timer,1,0\n"}, "inv.csv:3: 6 columns, want 4 and the 3 minutes"},
		{"a row of too many", map[string]string{"inv.csv": head + "o,app,f,timer,1,0,0,0\n"}, "inv.csv:2: 8 columns, want 4 and the 3 minutes"},
		{"an open quote", map[string]string{"inv.csv": head + "o,app,\"f,timer,1,0,0\n"}, "inv.csv:2:22: extraneous or missing \" in quoted-field"},
		{"a minute left out", map[string]string{"inv.csv": "HashOwner,HashApp,HashFunction,Trigger,1,3\n"}, `inv.csv:1: column 6 is "3", want 2: the minutes are the last columns, in their order`},
		{"a trigger after the minutes", map[string]string{"inv.csv": "HashApp,HashFunction,1,2,Trigger\n"}, `inv.csv:1: column 5 is "Trigger", want 3`},
		{"no names of columns", map[string]string{"inv.csv": row}, "inv.csv:1: there is no column HashApp: it is not such a file"},
		{"no functions", map[string]string{"inv.csv": "HashApp,1,2\na,0,0\n"}, "inv.csv:1: there is no column HashFunction"},
		{"run times for calls", map[string]string{"inv.csv": "HashOwner,HashApp,HashFunction,Average,Count\n"}, "inv.csv:1: there is no column minute_1 or 1: it is not a file of calls a minute"},
		{"an empty file", map[string]string{"inv.csv": ""}, "inv.csv:1: it is empty"},
		{"no call", map[string]string{"inv.csv": head + "o,app,f,timer,0,0,0\n"}, "has no calls"},
		{"a missing day", map[string]string{
			"invocations_per_function_md.anon.d01.csv": head + row, "invocations_per_function_md.anon.d03.csv": head + row,
		}, "invocations_per_function_md.anon.d03.csv follows "},
		{"a day twice", map[string]string{"inv.csv": head + row, "inv.csv.gz": head + row}, "are the same day: remove one of them"},
		{"run times without their column", map[string]string{"inv.csv": head + row, "run.csv": "HashApp,HashFunction,Count\n"}, "run.csv:1: there is no column Average"},
		{"a run time in words", map[string]string{"inv.csv": head + row, "run.csv": "HashApp,HashFunction,Average\napp,f,long\n"}, `run.csv:2: Average: "long" is not a number up to 1073741824`},
		{"no number for memory", map[string]string{"inv.csv": head + row, "mem.csv": "HashApp,AverageAllocatedMb\napp,NaN\n"}, `mem.csv:2: AverageAllocatedMb: "NaN" is not a number up to 1073741824`},
		{"a short row of memory", map[string]string{"inv.csv": head + row, "mem.csv": "HashApp,AverageAllocatedMb\napp\n"}, "mem.csv:2: 1 columns, want 2"},
		{"another folder", map[string]string{"README.md": ""}, "has no file of calls such as inv.csv"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantFault(t, files(t, tt.files), tt.want)
		})
	}
}

func TestAzureFilesThatAreNotWholeAreRefused(t *testing.T) {
	var text strings.Builder
	text.WriteString(head)
	for i := range 5000 {
		fmt.Fprintf(&text, "o,app%d,f%d,timer,%d,%d,%d\n", i, i, i*i%97, i*i%89, i*i%83)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "inv.csv.gz")
	whole := zipped(t, text.String())
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"cut off":     {whole[:len(whole)/2], ": unexpected EOF"},
		"damaged":     {append(bytes.Clone(whole[:len(whole)-8]), 1, 2, 3, 4, 5, 6, 7, 8), ": gzip: invalid checksum"},
		"not gzipped": {[]byte(text.String()), "inv.csv.gz:1: it is not gzipped: gzip: invalid header"},
	} {
		if err := os.WriteFile(path, tt.data, 0o600); err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) { wantFault(t, dir, tt.want) })
	}
}

func wantFault(t *testing.T, path, want string) {
	t.Helper()
	_, err := simulation.Open(path)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error = %v, want it to say %s", err, want)
	}
	if err != nil && strings.Contains(err.Error(), "\n") {
		t.Errorf("it is more than one error: %v", err)
	}
}

// Two weeks as the dataset has them: a file a day in one folder, with a row only for
// the functions that were called that day.
func TestTwoWeeksOfAzureFilesAreReadAsOneTrace(t *testing.T) {
	want := generated(t, "fleet,services=25,days=14")
	days := map[string]string{}
	for day := range 14 {
		var text strings.Builder
		text.WriteString("HashOwner,HashApp,HashFunction,Trigger")
		for m := range 1440 {
			fmt.Fprintf(&text, ",%d", m+1)
		}
		for _, s := range want.Services {
			counts := make([]int32, 1440)
			called := false
			for _, c := range s.Calls {
				if int(c.Minute)/1440 == day {
					counts[c.Minute%1440], called = c.Number, true
				}
			}
			if !called {
				continue
			}
			text.WriteString("\r\no,app," + s.Name + ",timer")
			for _, n := range counts {
				fmt.Fprintf(&text, ",%d", n)
			}
		}
		name := fmt.Sprintf("invocations_per_function_md.anon.d%02d.csv", day+1)
		if day%2 == 1 {
			name += ".gz"
		}
		days[name] = text.String()
	}
	got, err := simulation.Open(files(t, days))
	if err != nil {
		t.Fatal(err)
	}
	if got.Minutes != want.Minutes || got.Total() != want.Total() {
		t.Errorf("%d minutes and %d calls, want %d and %d", got.Minutes, got.Total(), want.Minutes, want.Total())
	}
	read := map[string][]simulation.Calls{}
	for _, s := range got.Services {
		read[s.Name] = s.Calls
	}
	for _, s := range want.Services {
		if diff := cmp.Diff(s.Calls, read[s.Name]); diff != "" {
			t.Errorf("%s (-want +got):\n%.1000s", s.Name, diff)
		}
	}
}
