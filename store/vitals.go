package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/dynsvc/dynsvc/service"
)

// vitalsTables are those of vitals, the narrowest first. A width of 0 keeps the
// buckets and the instances as they come.
var vitalsTables = []struct {
	table string
	width time.Duration
}{{"vitals", 0}, {"vitals_minute", time.Minute}, {"vitals_hour", time.Hour}}

// AddVitals stores what was seen of instances, in every width at once: a few
// rows a service are not worth a roll-up. A bucket that is there already is
// added to. What is of no registered service is left out.
func (db *DB) AddVitals(ctx context.Context, batch []service.Vitals) error {
	if len(batch) == 0 {
		return nil
	}
	return db.writeMuch(ctx, "add vitals", func(ctx context.Context, tx *sql.Tx) error {
		for _, w := range vitalsTables {
			if err := db.addVitals(ctx, tx, w.table, widened(batch, w.width)); err != nil {
				return err
			}
		}
		return nil
	})
}

// widened adds up the instances of each service in buckets of a width.
func widened(batch []service.Vitals, width time.Duration) []service.Vitals {
	if width == 0 {
		return batch
	}
	type key struct {
		id    service.ID
		start int64
	}
	at := map[key]int{}
	var wide []service.Vitals
	for i := range batch {
		start := batch[i].Start.Truncate(width)
		k := key{batch[i].Service, start.UnixMilli()}
		if _, ok := at[k]; !ok {
			at[k] = len(wide)
			wide = append(wide, service.Vitals{Service: k.id, Start: start, Width: width})
		}
		wide[at[k]].Add(&batch[i])
	}
	return wide
}

func (db *DB) addVitals(ctx context.Context, tx *sql.Tx, table string, list []service.Vitals) error {
	add, err := tx.PrepareContext(ctx, `INSERT INTO `+table+` (start_ms, version, alloc, width_ms, time_ms, passing_ms,
			critical_ms, measured_ms, cpu, cpu_max, memory, memory_max)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET time_ms = time_ms + excluded.time_ms, passing_ms = passing_ms + excluded.passing_ms,
			critical_ms = critical_ms + excluded.critical_ms, measured_ms = measured_ms + excluded.measured_ms,
			cpu = cpu + excluded.cpu, cpu_max = max(cpu_max, excluded.cpu_max),
			memory = memory + excluded.memory, memory_max = max(memory_max, excluded.memory_max)`)
	if err != nil {
		return err
	}
	defer add.Close() //nolint:errcheck // it ends with the transaction
	for i := range list {
		v := &list[i]
		seq, err := db.seq(ctx, tx, v.Service)
		if errors.Is(err, service.ErrNotFound) {
			continue // a job that another dynsvc left in the cluster
		}
		if err != nil {
			return err
		}
		if _, err := add.ExecContext(ctx, millis(v.Start), seq, v.Alloc, v.Width.Milliseconds(), v.Time.Milliseconds(),
			v.Passing.Milliseconds(), v.Critical.Milliseconds(), v.Measured.Milliseconds(), v.CPU, v.CPUMax, v.Memory, v.MemMax); err != nil {
			return err
		}
	}
	return nil
}

// VitalsQuery says whose vitals are asked for, and how they are added up.
type VitalsQuery struct {
	Services []service.ID // nil: all
	Since    time.Time
	Until    time.Time
	Step     time.Duration // width of the answer's buckets, which begin at its multiples; 0: one from Since to Until
	Allocs   bool          // each instance for itself, as long as the narrow buckets are kept
}

// Vitals adds up what was seen of instances, in order of start, service as asked
// for, and instance. It reads the widest buckets that the step and the time
// allow; the first may begin a little before Since for that.
func (db *DB) Vitals(ctx context.Context, q VitalsQuery) ([]service.Vitals, error) {
	type key struct {
		start int64
		at    int
		alloc string
	}
	sum := map[key]*service.Vitals{}
	rank := map[service.ID]int{}
	for i, id := range q.Services {
		rank[id] = i
	}
	add := func(v *numberedVitals) {
		start, width := q.Since, q.Until.Sub(q.Since)
		if q.Step > 0 {
			start, width = v.Start.Truncate(q.Step), q.Step
		}
		k := key{start: start.UnixMilli(), at: rank[v.Service]}
		if q.Services == nil {
			k.at = v.number
		}
		if q.Allocs {
			k.alloc = v.Alloc
		}
		if sum[k] == nil {
			sum[k] = &service.Vitals{Service: v.Service, Alloc: k.alloc, Start: start.UTC(), Width: width}
		}
		sum[k].Add(&v.Vitals)
	}
	err := db.read(ctx, "read vitals", func(tx *sql.Tx) error {
		table, width := q.table()
		query := `SELECT v.seq, v.id, s.alloc, s.start_ms, s.width_ms, s.time_ms, s.passing_ms, s.critical_ms, s.measured_ms,
				s.cpu, s.cpu_max, s.memory, s.memory_max FROM ` + table + ` s JOIN versions v ON v.seq = s.version
			WHERE s.start_ms >= ? AND s.start_ms < ?`
		from := q.Since.Truncate(max(width, time.Millisecond))
		if q.Services == nil {
			return eachVitals(ctx, tx, add, query, millis(from), millis(q.Until))
		}
		for _, id := range q.Services {
			seq, err := db.seq(ctx, tx, id)
			if err != nil {
				return err
			}
			if err := eachVitals(ctx, tx, add, query+` AND s.version = ?`, millis(from), millis(q.Until), seq); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	keys := slices.SortedFunc(maps.Keys(sum), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.at, b.at), cmp.Compare(a.alloc, b.alloc))
	})
	list := make([]service.Vitals, len(keys))
	for i, k := range keys {
		list[i] = *sum[k]
	}
	return list, nil
}

// table is the one with the widest buckets that answer the question.
func (q *VitalsQuery) table() (table string, width time.Duration) {
	step := q.Step
	if step <= 0 {
		switch span := q.Until.Sub(q.Since); {
		case span >= longTime:
			step = time.Hour
		case span >= time.Hour:
			step = time.Minute
		}
	}
	at := 0
	for !q.Allocs && at+1 < len(vitalsTables) && step >= vitalsTables[at+1].width {
		at++
	}
	return vitalsTables[at].table, vitalsTables[at].width
}

func eachVitals(ctx context.Context, tx *sql.Tx, add func(*numberedVitals), query string, args ...any) error {
	rows, err := tx.QueryContext(ctx, query, args...)
	list, err := collect(rows, err, scanVitals)
	for i := range list {
		add(&list[i])
	}
	return err
}

// numberedVitals come with the number of their version, which orders them.
type numberedVitals struct {
	service.Vitals
	number int
}

func scanVitals(rows *sql.Rows) (v numberedVitals, err error) {
	var start, width, present, passing, critical, measured int64
	err = rows.Scan(&v.number, &v.Service, &v.Alloc, &start, &width, &present, &passing, &critical, &measured,
		&v.CPU, &v.CPUMax, &v.Memory, &v.MemMax)
	v.Start = moment(start)
	for _, d := range []struct {
		to *time.Duration
		ms int64
	}{{&v.Width, width}, {&v.Time, present}, {&v.Passing, passing}, {&v.Critical, critical}, {&v.Measured, measured}} {
		*d.to = time.Duration(d.ms) * time.Millisecond
	}
	return v, err
}
