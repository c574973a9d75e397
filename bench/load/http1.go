package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"
)

// loadHTTP1 sends whole HTTP/1.1 requests until the time is up: a connection that is kept for each call in flight.
func loadHTTP1(o options, requests []request, until time.Time) (*tally, error) {
	found := newTally()
	var group sync.WaitGroup
	var lock sync.Mutex
	failures := make([]error, o.inFlight)
	for n := range o.inFlight {
		group.Go(func() {
			mine := newTally()
			failures[n] = sendUntil(o, requests, rand.New(rand.NewPCG(uint64(n), 1)), until, mine)
			lock.Lock()
			defer lock.Unlock()
			found.add(mine)
		})
	}
	group.Wait()
	return found, errors.Join(failures...)
}

func sendUntil(o options, requests []request, random *rand.Rand, until time.Time, found *tally) error {
	socket, err := net.Dial("tcp", o.address)
	if err != nil {
		return err
	}
	defer socket.Close()
	if err := socket.SetDeadline(until.Add(o.timeout)); err != nil {
		return err
	}
	in := bufio.NewReaderSize(socket, buffered)
	for started := time.Now(); ; { // one call at least, however long it took to connect
		if _, err := socket.Write(requests[random.IntN(len(requests))].body); err != nil {
			return err
		}
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			return err
		}
		found.bytes += len(body)
		now := time.Now()
		inTime := now.Before(until)
		found.note(now.Sub(started), outcome(answer, body), inTime)
		if !inTime {
			return nil
		}
		started = now
	}
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
