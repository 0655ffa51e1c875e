package store

import (
	"database/sql"
	"encoding/binary"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// sampleColumns are those of a sample in each of its tables, as s; the service
// is joined as v.
const sampleColumns = `v.id, s.method, s.start_ms, s.width_ms, s.calls, s.errors, s.cold_starts,
	s.in_flight_peak, s.queue_peak, s.busy_ns, s.latency_ns, s.latency_max_ns,
	s.waited_ns, s.bytes_in, s.bytes_out, s.failed, s.starts, s.latencies, s.callers`

// insertColumns are in the order of appendSample.
const insertColumns = ` (start_ms, version, method, width_ms, calls, errors, cold_starts,
	in_flight_peak, queue_peak, busy_ns, latency_ns, latency_max_ns,
	waited_ns, bytes_in, bytes_out, failed, starts, latencies, callers) VALUES `

// insertRow has a mark for each of insertColumns.
const insertRow = `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// packer writes samples as arguments of statements. The blobs of many share an
// array.
type packer struct {
	args []any
	blob []byte
}

func (p *packer) reset() { p.args, p.blob = p.args[:0], p.blob[:0] }

func (p *packer) add(seq int64, s *service.Sample) {
	if p.blob == nil {
		p.blob = make([]byte, 0, 4096) // no bytes of a nil slice would be NULL
	}
	failed := p.varints(s.Failed[:]...)
	starts := p.varints(s.Starts.Count, int64(s.Starts.Place), int64(s.Starts.Start), int64(s.Starts.Ready))
	latencies := p.bytes(s.Latencies.AppendBinary)
	callers := p.bytes(s.Callers.AppendBinary)
	p.args = append(p.args, millis(s.Start), seq, s.Method, s.Width.Milliseconds(),
		s.Calls, s.Errors, s.ColdStarts, int64(s.InFlightPeak), int64(s.QueuePeak),
		int64(s.Busy), int64(s.Latency), int64(s.LatencyMax),
		int64(s.Waited), s.BytesIn, s.BytesOut, failed, starts, latencies, callers)
}

// varints leaves out the zeros at the end, so that nothing is no bytes.
func (p *packer) varints(numbers ...int64) []byte {
	for len(numbers) > 0 && numbers[len(numbers)-1] == 0 {
		numbers = numbers[:len(numbers)-1]
	}
	from := len(p.blob)
	for _, n := range numbers {
		p.blob = binary.AppendVarint(p.blob, n)
	}
	return p.blob[from:len(p.blob):len(p.blob)]
}

// bytes takes what appends itself and never fails.
func (p *packer) bytes(appendTo func([]byte) ([]byte, error)) []byte {
	from := len(p.blob)
	p.blob, _ = appendTo(p.blob) // the encoders of package service have no errors
	return p.blob[from:len(p.blob):len(p.blob)]
}

// unpack is the reverse of varints.
func unpack(blob []byte, to ...*int64) error {
	for i := 0; len(blob) > 0; i++ {
		n, size := binary.Varint(blob)
		if size <= 0 {
			return service.Errorf(service.ErrInvalid, "a stored list of numbers breaks off")
		}
		if i < len(to) { // a newer program may have stored more
			*to[i] = n
		}
		blob = blob[size:]
	}
	return nil
}

// unpackRow reads the blobs of a sample.
func unpackRow(s *service.Sample, failed, starts, latencies, callers []byte) error {
	var numbers [len(s.Failed)]*int64
	for i := range s.Failed {
		numbers[i] = &s.Failed[i]
	}
	if err := unpack(failed, numbers[:]...); err != nil {
		return err
	}
	var place, start, ready int64
	if err := unpack(starts, &s.Starts.Count, &place, &start, &ready); err != nil {
		return err
	}
	s.Starts.Place, s.Starts.Start, s.Starts.Ready = time.Duration(place), time.Duration(start), time.Duration(ready)
	if err := s.Latencies.UnmarshalBinary(latencies); err != nil {
		return err
	}
	return s.Callers.UnmarshalBinary(callers)
}

// sampleScan is where the columns of a sample are scanned to.
type sampleScan struct {
	service.Sample
	start, width                       int64
	failed, starts, latencies, callers sql.RawBytes
}

// targets are in the order of sampleColumns.
func (s *sampleScan) targets(before ...any) []any {
	return append(before, &s.Service, &s.Method, &s.start, &s.width, &s.Calls, &s.Errors, &s.ColdStarts,
		&s.InFlightPeak, &s.QueuePeak, &s.Busy, &s.Latency, &s.LatencyMax,
		&s.Waited, &s.BytesIn, &s.BytesOut, &s.failed, &s.starts, &s.latencies, &s.callers)
}

// sample returns what was scanned.
func (s *sampleScan) sample() (service.Sample, error) {
	s.Start = moment(s.start)
	s.Width = service.Duration{Duration: time.Duration(s.width) * time.Millisecond}
	err := unpackRow(&s.Sample, s.failed, s.starts, s.latencies, s.callers)
	return s.Sample, err
}

func scanSample(rows *sql.Rows) (service.Sample, error) {
	var scan sampleScan
	if err := rows.Scan(scan.targets()...); err != nil {
		return service.Sample{}, err
	}
	return scan.sample()
}

// scanNumbered reads the version's number before the sample.
func scanNumbered(rows *sql.Rows) (seq int64, s service.Sample, err error) {
	var scan sampleScan
	if err := rows.Scan(scan.targets(&seq)...); err != nil {
		return 0, s, err
	}
	s, err = scan.sample()
	return seq, s, err
}
