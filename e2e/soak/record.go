package main

import (
	"sync"
	"time"
)

// outcome is what the driver saw of a call.
type outcome string

const (
	good         outcome = "answered"      // with what it had to be answered with
	refused      outcome = "refused"       // with an error that says why
	dead         outcome = "given up"      // a job, with its reason
	noConnection outcome = "no connection" // nobody listens
	cut          outcome = "cut"           // the connection ended before the answer was whole
	late         outcome = "no answer"     // within the patience of the driver
	wrong        outcome = "wrong"         // with something else
)

// record is one call.
type record struct {
	id, kind     string
	phase        int // that it began in
	began, ended time.Time
	outcome      outcome
	status       int    // of a refusal
	text         string // why it was not answered
	cold         bool   // it waited for a start
	version      string // of the module that answered
	job          string // its id, once it was acknowledged
}

// book takes the records of calls that have ended.
type book struct {
	mu   sync.Mutex // guards all
	all  []*record
	open sync.WaitGroup // calls that have not ended
}

func (b *book) add(r *record) {
	r.ended = time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = append(b.all, r)
}

// answers is how many calls a version has answered.
func (b *book) answers(version string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.all {
		if r.version == version {
			n++
		}
	}
	return n
}
