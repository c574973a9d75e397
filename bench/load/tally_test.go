package main

import (
	"testing"
	"time"
)

func TestBucketsAreExactToOnePercent(t *testing.T) {
	for latency := time.Nanosecond; latency < time.Hour; latency = latency*11/10 + 1 {
		off := middle(bucket(latency)) - latency
		if off.Abs() > max(latency/100, 1) {
			t.Errorf("%v is counted as %v", latency, latency+off)
		}
	}
}

func TestBucketsAreInOrder(t *testing.T) {
	for latency := time.Nanosecond; latency < time.Minute; latency = latency*11/10 + 1 {
		if bucket(latency) > bucket(latency*11/10+1) {
			t.Errorf("%v lies behind what is longer", latency)
		}
	}
}

func TestPercentiles(t *testing.T) {
	found := newTally()
	for n := range 1000 {
		found.note(time.Duration(n)*time.Microsecond, "0", true)
	}
	for share, want := range map[float64]time.Duration{0.5: 500, 0.99: 990, 0.999: 999} {
		got := found.percentile(share) / time.Microsecond
		if got < want*98/100 || got > want*102/100 {
			t.Errorf("%v of the calls took %v µs, not %v", share, int(got), int(want))
		}
	}
}

func TestLateCallsAreNoRate(t *testing.T) {
	found := newTally()
	found.note(time.Millisecond, "0", true)
	found.note(time.Millisecond, "5", false)
	report := found.report(time.Second, 0)
	if report.Rate != 1 || report.Calls != 2 || report.Failures["5"] != 1 {
		t.Errorf("%+v", report)
	}
}
