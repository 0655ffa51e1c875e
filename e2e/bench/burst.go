package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/e2e/cluster"
)

const crowd = 1000

// burst has a thousand callers at once on a service at zero.
func (b *bench) burst(ctx context.Context) error {
	a, id, err := b.coldAgent(ctx, "burst")
	if err != nil {
		return err
	}
	defer a.stop()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: crowd}}
	var starts, answers []int
	var took []time.Duration
	for round := range 3 {
		if err := errors.Join(sleep(ctx, calm), b.quiet(ctx)); err != nil {
			return err
		}
		before, err := b.allocations(ctx, string(id))
		if err != nil {
			return err
		}
		began := time.Now()
		good, err := atOnce(ctx, client, a.url+"/svc/burst@release")
		if err != nil {
			note("round %d: a call failed: %v", round, err)
		}
		took, answers = append(took, time.Since(began)), append(answers, good)
		after, err := b.allocations(ctx, string(id))
		if err != nil {
			return err
		}
		starts = append(starts, after-before)
		note("round %d: %d starts, %d answers in %s", round, after-before, good, ms(took[round]))
		if err := errors.Join(a.down(ctx, id), ended(ctx, b.servers.Nomad, string(id))); err != nil {
			return err
		}
	}
	worst, most := quantile(answers, 0), quantile(starts, 1)
	b.table.add(row{what: fmt.Sprintf("%d calls at once on a cold service", crowd),
		measured: fmt.Sprintf("%d starts, %d answers, the last after %s", most, worst, ms(median(took))),
		budget:   fmt.Sprintf("1 start, %d answers", crowd), command: "scripts/bench burst"}, worst == crowd && most == 1)
	return nil
}

// atOnce sends the crowd and counts the good answers. Each caller has connected
// before; err is one of those that failed.
func atOnce(ctx context.Context, client *http.Client, url string) (good int, err error) {
	var mu sync.Mutex
	var all, ready sync.WaitGroup
	open := make(chan struct{})
	ready.Add(crowd)
	for range crowd {
		all.Go(func() {
			req, reqErr := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(call))
			ready.Done()
			<-open
			callErr := reqErr
			if reqErr == nil {
				callErr = answered(client, req)
			}
			mu.Lock()
			defer mu.Unlock()
			if callErr != nil {
				err = callErr
			} else {
				good++
			}
		})
	}
	ready.Wait()
	close(open)
	all.Wait()
	return good, err
}

func answered(client *http.Client, req *http.Request) (err error) {
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	text, err := io.ReadAll(res.Body)
	if err == nil && (res.StatusCode != http.StatusOK || len(text) != 512) {
		err = fmt.Errorf("%s, %d bytes: %.200s", res.Status, len(text), text)
	}
	return err
}

// allocations counts all that a job ever had.
func (b *bench) allocations(ctx context.Context, id string) (int, error) {
	allocs, _, err := b.servers.Nomad.Jobs().Allocations(id, true, (&nomad.QueryOptions{}).WithContext(ctx))
	return len(allocs), err
}

// clusterImage is the cold service as an image of one file.
func clusterImage(answer string) cluster.Image {
	return cluster.Image{Name: "answer:bench", Files: map[string]string{"/answer": answer}, Entrypoint: []string{"/answer"}, Port: 5000}
}
