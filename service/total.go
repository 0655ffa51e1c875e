package service

// Total is the usage of one service since a gateway began, all methods together.
type Total struct {
	ID         ID
	Module     string
	Version    string
	Calls      [2]Classes // of calls that did not wait for a start, and of those that did
	Failed     Endings
	ColdStarts int64
	Starts     Starts
	BytesIn    int64
	BytesOut   int64
	Latencies  [2]Histogram // as Calls
}

// Add adds what a sample says, but for what only Total tells apart.
func (t *Total) Add(s *Sample) {
	for i, n := range s.Failed {
		t.Failed[i] += n
	}
	t.ColdStarts += s.ColdStarts
	t.Starts.add(s.Starts)
	t.BytesIn += s.BytesIn
	t.BytesOut += s.BytesOut
}

// Merge adds another total.
func (t *Total) Merge(o *Total) {
	t.Add(&Sample{Failed: o.Failed, ColdStarts: o.ColdStarts, Starts: o.Starts, BytesIn: o.BytesIn, BytesOut: o.BytesOut})
	for i := range t.Calls {
		for class, n := range o.Calls[i] {
			t.Calls[i][class] += n
		}
		t.Latencies[i] = t.Latencies[i].Merge(o.Latencies[i])
	}
}

// Classes counts calls by the first digit of their status, but for 499 (the
// caller left), which has a class of its own.
type Classes [6]int64

var classNames = [len(Classes{})]string{"gone", "1xx", "2xx", "3xx", "4xx", "5xx"}

// Add counts a call.
func (c *Classes) Add(status int) {
	class := status / 100
	if status == 499 || class < 1 || class >= len(c) {
		class = 0
	}
	c[class]++
}

// Class names a class.
func (c *Classes) Class(i int) string { return classNames[i] }
