package main

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynsvc/dynsvc/sdk"
	"github.com/dynsvc/dynsvc/sdk/sdktest"
)

func TestSummaryOfRandomAssemblies(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var fasta strings.Builder
		var lengths []int64
		want := Summary{}
		gc, known := 0, 0
		for range random.IntN(20) {
			fasta.WriteString(">contig\n")
			n := random.IntN(200)
			lengths = append(lengths, int64(n))
			for i := range n {
				base := "ACGTNacgt"[random.IntN(9)]
				fasta.WriteByte(base)
				if i%60 == 59 {
					fasta.WriteString("\r\n")
				}
				switch base {
				case 'G', 'C', 'g', 'c':
					gc++
					fallthrough
				case 'A', 'T', 'a', 't':
					known++
				default:
					want.Unknown++
				}
			}
			fasta.WriteByte('\n')
			want.Contigs, want.Bases, want.Longest = want.Contigs+1, want.Bases+int64(n), max(want.Longest, int64(n))
		}
		if known > 0 {
			want.Gc = float64(gc) / float64(known)
		}
		got, err := sdktest.Call[Summary](t.Context(), newModule(), "summarize", fasta.String())
		if err != nil {
			t.Fatal(err)
		}
		// N50 by its definition: it and what is longer hold half of the bases, what
		// is longer alone does not.
		var longer, asLong int64
		for _, n := range lengths {
			if n > got.N50 {
				longer += n
			}
			if n >= got.N50 {
				asLong += n
			}
		}
		if want.Bases > 0 && (2*longer >= want.Bases || 2*asLong < want.Bases) {
			t.Errorf("n50 %d of %v", got.N50, lengths)
		}
		want.N50, want.L50 = got.N50, got.L50
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestWordsAreThoseOfBothStrands(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	complement := strings.NewReplacer("A", "T", "C", "G", "G", "C", "T", "A")
	for _, k := range []int{1, 2, 5, 31} {
		sequence := make([]byte, 3000)
		for i := range sequence {
			sequence[i] = "ACGTACGTACGTN"[random.IntN(13)]
		}
		want := map[string]int64{}
		for i := range len(sequence) - k + 1 {
			word := string(sequence[i : i+k])
			if strings.Contains(word, "N") {
				continue
			}
			other := []byte(complement.Replace(word))
			for a, b := 0, len(other)-1; a < b; a, b = a+1, b-1 {
				other[a], other[b] = other[b], other[a]
			}
			want[min(word, string(other))]++
		}
		top := int64(10_000)
		list, err := sdktest.Call[[]WordCount](t.Context(), newModule(), "count_kmers", CountParams{Fasta: ">x\n" + string(sequence), K: int64(k), Top: &top})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int64{}
		for _, w := range list {
			got[w.Word] = w.Count
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("words of %d bases: %s", k, diff)
		}
	}
}

func TestWhatIsNoFASTAIsSaid(t *testing.T) {
	_, err := sdktest.Call[Summary](t.Context(), newModule(), "summarize", "\nACGT")
	if told := new(sdk.Error); !errors.As(err, &told) || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("%v", err)
	}
}
