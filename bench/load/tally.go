package main

import (
	"math/bits"
	"time"
)

// steps is how many buckets divide each doubling of a latency: a percentile is exact to under 1 %.
const (
	steps   = 128
	logStep = 7
	buckets = (64 - logStep) * steps
)

// tally counts what became of calls.
type tally struct {
	calls     int // all that were answered, the last ones after the time was up too
	inTime    int
	bytes     int
	failures  map[string]int // by grpc-status
	latencies [buckets]int
	longest   time.Duration
	total     time.Duration
}

func newTally() *tally {
	return &tally{failures: map[string]int{}}
}

// note counts one answered call.
func (t *tally) note(latency time.Duration, status string, inTime bool) {
	t.calls++
	if inTime {
		t.inTime++
	}
	if status != "0" {
		t.failures[status]++
	}
	t.latencies[bucket(latency)]++
	t.total += latency
	t.longest = max(t.longest, latency)
}

func (t *tally) add(other *tally) {
	t.calls += other.calls
	t.inTime += other.inTime
	t.bytes += other.bytes
	t.total += other.total
	t.longest = max(t.longest, other.longest)
	for status, n := range other.failures {
		t.failures[status] += n
	}
	for n, count := range other.latencies {
		t.latencies[n] += count
	}
}

// report is what is printed. Latencies are microseconds.
type report struct {
	Calls      int                `json:"calls"`
	Rate       float64            `json:"rate"`
	Bytes      int                `json:"bytes"`
	CPUSeconds float64            `json:"cpu_seconds"`
	Failures   map[string]int     `json:"failures"`
	Latency    map[string]float64 `json:"latency"`
}

func (t *tally) report(took time.Duration, cpu float64) *report {
	latency := map[string]float64{"max": micros(t.longest)}
	if t.calls > 0 {
		latency["mean"] = micros(t.total) / float64(t.calls)
	}
	for name, share := range map[string]float64{"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999} {
		latency[name] = micros(t.percentile(share))
	}
	return &report{
		Calls:      t.calls,
		Rate:       float64(t.inTime) / took.Seconds(),
		Bytes:      t.bytes,
		CPUSeconds: cpu,
		Failures:   t.failures,
		Latency:    latency,
	}
}

func (t *tally) percentile(share float64) time.Duration {
	left := int(share * float64(t.calls))
	for n, count := range t.latencies {
		if left < count {
			return middle(n)
		}
		left -= count
	}
	return t.longest
}

// bucket returns a latency's place: doublings, each divided into equal steps.
func bucket(latency time.Duration) int {
	doublings := max(bits.Len64(uint64(latency)), logStep+1) - logStep - 1
	return doublings*steps + int(latency>>doublings)
}

// middle returns the latency in the middle of a bucket.
func middle(n int) time.Duration {
	doublings := max(n/steps-1, 0)
	low := n - doublings*steps
	return time.Duration((2*low + 1) << doublings / 2)
}

func micros(d time.Duration) float64 {
	return float64(d.Nanoseconds()) / 1000
}
