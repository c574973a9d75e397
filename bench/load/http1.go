package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// loadHTTP1 posts JSON over HTTP/1.1 until the time is up: a connection for each call in flight.
func loadHTTP1(o options, requests [][]byte, until time.Time) (*tally, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: o.inFlight, DisableCompression: true}
	client := &http.Client{Transport: transport, Timeout: o.timeout}
	found := newTally()
	var group sync.WaitGroup
	var lock sync.Mutex
	failures := make([]error, o.inFlight)
	for n := range o.inFlight {
		group.Go(func() {
			mine := newTally()
			failures[n] = postUntil(o, client, requests, rand.New(rand.NewPCG(uint64(n), 1)), until, mine)
			lock.Lock()
			defer lock.Unlock()
			found.add(mine)
		})
	}
	group.Wait()
	return found, errors.Join(failures...)
}

func postUntil(
	o options, client *http.Client, requests [][]byte, random *rand.Rand, until time.Time, found *tally,
) error {
	for time.Now().Before(until) {
		request := requests[random.IntN(len(requests))][prefix:]
		started := time.Now()
		answer, err := client.Post("http://"+o.address+o.method, "application/json", bytes.NewReader(request))
		if err != nil {
			return err
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			return err
		}
		found.bytes += len(body)
		now := time.Now()
		found.note(now.Sub(started), outcome(answer, body), now.Before(until))
	}
	return nil
}

// outcome returns 0 where the answer holds what was asked for; GraphQL tells errors in the body.
func outcome(answer *http.Response, body []byte) string {
	if answer.StatusCode != http.StatusOK {
		return fmt.Sprintf("http %d", answer.StatusCode)
	}
	if bytes.Contains(body, []byte(`"errors"`)) {
		return "graphql"
	}
	return "0"
}
