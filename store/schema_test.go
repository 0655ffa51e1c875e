package store_test

import (
	"database/sql"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

var update = flag.Bool("update", false, "write the dump of the newest schema anew; never once it was released")

// A database of each released schema, with rows in it, becomes what a new one
// is, and keeps its rows.
func TestReleasedSchemasMigrate(t *testing.T) {
	fresh := open(t)
	populate(t, fresh)
	verify(t, fresh)
	verifyJobs(t, fresh)
	equal(t, len(module(t, fresh, "A").Splits), 1)
	verifyTokens(t, fresh)
	verifyKBase(t, fresh)
	writer, _ := fresh.Handles()
	var newest int
	check(t, writer.QueryRowContext(t.Context(), `SELECT max(version_id) FROM goose_db_version`).Scan(&newest), nil)
	if *update {
		name := filepath.Join("testdata", fmt.Sprintf("schema-%04d.sql", newest))
		check(t, os.WriteFile(name, []byte(dump(t, writer)), 0o644), nil)
	}
	dumps, err := filepath.Glob("testdata/schema-*.sql")
	check(t, err, nil)
	if len(dumps) != newest {
		t.Errorf("testdata has %d dumps for %d schemas: run go test -update ./store for the newest", len(dumps), newest)
	}
	for _, name := range dumps {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			check(t, err, nil)
			path := filepath.Join(t.TempDir(), "dynsvc.db")
			sqlFile(t, path, string(text))
			db := openAt(t, path)
			verify(t, db)
			if name >= "testdata/schema-0003" {
				verifyTokens(t, db)
			}
			if name >= "testdata/schema-0006" {
				verifyKBase(t, db)
			}
			if name >= "testdata/schema-0007" {
				verifyJobs(t, db)
			}
			if name >= "testdata/schema-0009" {
				policies, err := db.Policies(t.Context(), "A", 0, 0)
				check(t, err, nil)
				equal(t, policies, []service.Policy{{ID: 1, Module: "A", At: epoch, Who: "ada", Rules: service.Override{Min: new(2)}}})
			}
			if name >= "testdata/schema-0010" {
				a1 := version("A", "1.0.0", 1).ID
				for step := range map[time.Duration]bool{10 * time.Second: true, time.Minute: true, time.Hour: true} {
					got, err := db.Vitals(t.Context(), store.VitalsQuery{Services: []service.ID{a1}, Since: epoch, Until: epoch.Add(time.Hour), Step: step})
					check(t, err, nil)
					equal(t, len(got), 1)
					equal(t, got[0].CPU, vitals(a1, "one", epoch, service.Use{CPU: 250, Memory: 1 << 20}, service.Passing).CPU)
				}
			}
			whole(t, db)
			got, _ := db.Handles()
			equal(t, schema(t, got), schema(t, writer))
		})
	}
}

// populate leaves something in every table.
func populate(t testing.TB, db *store.DB) {
	t.Helper()
	ctx := t.Context()
	a1, a2 := version("A", "1.0.0", 1), version("A", "1.1.0", 2)
	_, _, err := db.SaveVersion(ctx, store.Registration{Version: a1, Tags: []string{"dev", "release"},
		Files: []store.File{{Name: "module.hcl", Content: []byte("module \"A\" {\n}\n")}}})
	check(t, err, nil)
	save(t, db, a2, "dev")
	check(t, db.SetSplit(ctx, "A", "release", &service.Split{To: a2.ID, Percent: 10, Cookie: "session"}, "ada"), nil)
	check(t, db.SetStopped(ctx, a1.ID, true, "ada"), nil)
	check(t, db.SetHold(ctx, a2.ID, store.Hold{Count: 2, Until: epoch.Add(time.Minute), Who: "grace"}), nil)
	id, err := db.AddDecision(ctx, service.Decision{Service: a2.ID, At: epoch, To: 1, Kind: service.KindWake,
		Reason: "a call waits", Inputs: map[string]float64{"queued": 1}})
	check(t, err, nil)
	check(t, db.FinishDecision(ctx, id, "applied"), nil)
	check(t, db.AddToken(ctx, token("t1", "ada")), nil)
	pull, err := db.AddPull(ctx, store.Pull{URL: "https://git.example.org/a", Tag: "dev", Who: "ada", State: store.PullQueued, Asked: epoch})
	check(t, err, nil)
	check(t, db.SetPull(ctx, store.Pull{ID: pull, State: store.PullDone, Commit: "c0ffee", Module: "A", Service: a1.ID, Ended: epoch}), nil)
	populateJobs(t, db, a1)
	check(t, db.AddSamples(ctx, []service.Sample{plain(a1.ID, "f", 3), plain(a2.ID, "", 5)}), nil)
	check(t, db.RollUp(ctx, epoch.Add(2*time.Hour)), nil)
	populateKBase(t, db)
	_, err = db.AddPolicy(ctx, service.Policy{Module: "A", At: epoch, Who: "ada", Rules: service.Override{Min: new(2)}})
	check(t, err, nil)
	check(t, db.AddVitals(ctx, []service.Vitals{vitals(a1.ID, "one", epoch, service.Use{CPU: 250, Memory: 1 << 20}, service.Passing)}), nil)
}

// plain is a sample as the first schema could hold it.
func plain(id service.ID, method string, calls int64) service.Sample {
	s := sample(id, method, epoch, calls)
	s.Failed, s.Starts, s.Waited, s.BytesIn, s.BytesOut = service.Endings{}, service.Starts{}, 0, 0, 0
	s.Latencies, s.Callers = nil, nil
	return s
}

// verify reads back what populate left.
func verify(t testing.TB, db *store.DB) {
	t.Helper()
	ctx := t.Context()
	a1, a2 := version("A", "1.0.0", 1), version("A", "1.1.0", 2)
	a1.Released = true
	m := module(t, db, "A")
	if m.Splits != nil { // schemas before 4 had none
		equal(t, m.Splits, map[string]service.Split{"release": {To: a2.ID, Percent: 10, Cookie: "session"}})
		m.Splits = nil
	}
	equal(t, m, service.Module{Name: "A", Owners: a1.Owners,
		Tags: map[string]service.ID{"dev": a2.ID, "release": a1.ID}, Versions: []service.Version{a2, a1}})
	f, err := db.File(ctx, a1.ID, "module.hcl")
	check(t, err, nil)
	equal(t, string(f.Content), "module \"A\" {\n}\n")
	moves, err := db.TagHistory(ctx, "A", 0, 1)
	check(t, err, nil)
	equal(t, moves, []store.TagMove{{ID: 3, Tag: "dev", From: a1.ID, To: a2.ID, At: epoch, Who: "ada"}})
	stopped, err := db.Stopped(ctx)
	check(t, err, nil)
	equal(t, stopped, map[service.ID]bool{a1.ID: true})
	holds, err := db.Holds(ctx, epoch)
	check(t, err, nil)
	equal(t, holds, map[service.ID]store.Hold{a2.ID: {Count: 2, Until: epoch.Add(time.Minute), Who: "grace"}})
	last, err := db.LastDecisions(ctx)
	check(t, err, nil)
	equal(t, last, map[service.ID]service.Decision{a2.ID: {ID: 1, Service: a2.ID, At: epoch, To: 1, Kind: service.KindWake,
		Reason: "a call waits", Inputs: map[string]float64{"queued": 1}, Outcome: "applied"}})
	samples, err := db.RecentSamples(ctx, epoch)
	check(t, err, nil)
	equal(t, samples, []service.Sample{plain(a1.ID, "f", 3), plain(a2.ID, "", 5)})
	check(t, db.RollUp(ctx, epoch.Add(2*time.Hour)), nil) // those from before there were hours
	hour := plain(a1.ID, "f", 3)
	hour.Start, hour.Width.Duration = epoch.Truncate(time.Hour), time.Hour
	usage, err := db.Usage(ctx, store.UsageQuery{Services: []service.ID{a1.ID}, Since: epoch, Until: epoch.Add(time.Hour), Step: time.Hour, Methods: true})
	check(t, err, nil)
	equal(t, usage, []service.Sample{hour})
	pulls, err := db.Pulls(ctx, "", 0, 0)
	check(t, err, nil)
	if len(pulls) > 0 { // schemas before 8 had none
		equal(t, pulls, []store.Pull{{ID: 1, URL: "https://git.example.org/a", Tag: "dev", Who: "ada", State: store.PullDone,
			Commit: "c0ffee", Module: "A", Service: a1.ID, Asked: epoch, Ended: epoch}})
	}
	entries, err := db.Audit(ctx, 0, 0)
	check(t, err, nil)
	var acts []string
	for _, e := range entries {
		if e.Action != "create-token" && e.Action != "split" { // not in the first schemas
			acts = append(acts, e.Action)
		}
	}
	acts = acts[max(0, len(acts)-6):] // newer ones are of what later schemas keep
	equal(t, acts, []string{"stop", "tag", "register", "tag", "tag", "register"})
}

func verifyTokens(t testing.TB, db *store.DB) {
	t.Helper()
	tokens, err := db.Tokens(t.Context(), "")
	check(t, err, nil)
	equal(t, tokens, []store.Token{token("t1", "ada")})
}

// schema returns the statements that make the tables and indexes, in order.
func schema(t testing.TB, db *sql.DB) []string {
	t.Helper()
	return column(t, db, `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid`)
}

// dump returns SQL that makes the database again, rows and marks included.
func dump(t testing.TB, db *sql.DB) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("PRAGMA auto_vacuum = 2;\nPRAGMA foreign_keys = 0;\n")
	for _, id := range column(t, db, `SELECT application_id FROM pragma_application_id`) {
		fmt.Fprintf(&b, "PRAGMA application_id = %s;\n", id)
	}
	for _, stmt := range schema(t, db) {
		b.WriteString(stmt + ";\n")
	}
	for _, table := range column(t, db, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid`) {
		names := column(t, db, `SELECT name FROM pragma_table_info('`+table+`') ORDER BY cid`)
		values := "quote(" + strings.Join(names, ") || ', ' || quote(") + ")"
		for _, row := range column(t, db, `SELECT `+values+` FROM `+table+` ORDER BY 1`) {
			fmt.Fprintf(&b, "INSERT INTO %s (%s) VALUES (%s);\n", table, strings.Join(names, ", "), row)
		}
	}
	return b.String()
}

// column returns the first column of a query's rows.
func column(t testing.TB, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	check(t, err, nil)
	defer func() { check(t, rows.Close(), nil) }()
	var all []string
	for rows.Next() {
		var s string
		check(t, rows.Scan(&s), nil)
		all = append(all, s)
	}
	check(t, rows.Err(), nil)
	return all
}
