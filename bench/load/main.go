// Command load keeps calls of one gRPC method in flight and tells how fast they were answered.
//
// It speaks HTTP/2 by hand, so that it costs little beside the server that it loads: one goroutine a
// connection, header blocks encoded once, requests encoded beforehand. Every call draws another request.
//
// With -idle it only holds connections that do nothing.
//
// The requests are read from a file that holds them one after the other as gRPC frames them: a zero byte,
// the length as four bytes, the message. What it finds is printed as one JSON object.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"log"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"
)

type options struct {
	address     string
	method      string
	requests    string
	connections int
	inFlight    int
	duration    time.Duration
	timeout     time.Duration
	idle        int
	http1       bool
	http2       bool
	header      string
	values      string
	drawn       []string // the lines of values
}

func parse() options {
	var o options
	flag.StringVar(&o.address, "address", "", "host:port of the server")
	flag.StringVar(&o.method, "method", "", "the method's path: /package.Service/Method")
	flag.StringVar(&o.requests, "requests", "", "the file of framed requests")
	flag.IntVar(&o.connections, "connections", 8, "connections, at most one per call in flight")
	flag.IntVar(&o.inFlight, "in-flight", 128, "calls in flight over all connections")
	flag.DurationVar(&o.duration, "duration", 3*time.Second, "how long new calls are made")
	flag.DurationVar(&o.timeout, "timeout", 20*time.Second, "how long one call may take")
	flag.IntVar(&o.idle, "idle", 0, "open so many quiet connections, say so, and hold them until a line is read; no load")
	flag.BoolVar(&o.http1, "http1", false, "send whole HTTP/1.1 requests, a connection for each call in flight; no gRPC")
	flag.BoolVar(&o.http2, "http2", false, "send the same requests over HTTP/2; no gRPC")
	flag.StringVar(&o.header, "header", "authorization", "the header whose values each call draws one of")
	flag.StringVar(&o.values, "values", "", "the file of these values, a line each")
	flag.Parse()
	o.connections = min(o.connections, o.inFlight)
	if o.timeout >= 100*time.Second {
		log.Fatal("a -timeout of 100 s and more has too many digits for grpc-timeout in microseconds")
	}
	return o
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("load: ")
	// One thread does it: more would take turns with the server's for nothing.
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(1000)
	o := parse()
	if o.idle > 0 {
		if err := holdIdle(o); err != nil {
			log.Fatal(err)
		}
		return
	}
	result, err := run(o)
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		log.Fatal(err)
	}
}

func run(o options) (*report, error) {
	requests, err := readRequests(o.requests)
	if err != nil {
		return nil, err
	}
	values, err := readLines(o.values)
	if err != nil {
		return nil, err
	}
	o.drawn = values
	drawn, err := requestsOf(o, requests)
	if err != nil {
		return nil, err
	}
	cpu, until := cpuSeconds(), time.Now().Add(o.duration)
	load := loadHTTP2
	if o.http1 {
		load = loadHTTP1
	}
	found, err := load(o, drawn, until)
	if err != nil {
		return nil, err
	}
	return found.report(o.duration, cpuSeconds()-cpu), nil
}

// loadHTTP2 makes calls over all connections until the time is up and the last is answered.
func loadHTTP2(o options, requests []request, until time.Time) (*tally, error) {
	connections := make([]*connection, o.connections)
	for n := range connections {
		var err error
		if connections[n], err = dial(o, requests, uint64(n)); err != nil {
			return nil, err
		}
	}
	var group sync.WaitGroup
	failures := make([]error, len(connections))
	for n, c := range connections {
		share := o.inFlight / len(connections)
		if n < o.inFlight%len(connections) {
			share++
		}
		group.Go(func() { failures[n] = c.run(share, until, o.timeout) })
	}
	group.Wait()
	found := newTally()
	for _, c := range connections {
		found.add(c.tally)
	}
	return found, errors.Join(failures...)
}

// requestsOf returns what calls draw: framed messages of gRPC, or requests of HTTP/1.1 without a frame.
func requestsOf(o options, framed [][]byte) ([]request, error) {
	if o.http2 {
		return overHTTP2(framed)
	}
	requests := make([]request, len(framed))
	for n, one := range framed {
		requests[n].body = one
		if o.http1 {
			requests[n].body = one[prefix:]
		}
	}
	return requests, nil
}

// cpuSeconds returns what this process has used.
func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}
