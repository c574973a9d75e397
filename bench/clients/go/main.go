// Command go calls a method by grpc-go, as bench/clients/README.md says.
package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// raw is a codec of messages that are bytes already.
type raw struct{}

func (raw) Name() string                       { return "proto" }
func (raw) Marshal(v any) ([]byte, error)      { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v any) error { *v.(*[]byte) = data; return nil }

func main() {
	target, method, authorization := os.Args[1], os.Args[2], os.Args[6]
	requests, calls, inFlight := read(os.Args[3]), number(os.Args[4]), number(os.Args[5])
	conn, err := grpc.NewClient(target,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})))
	if err != nil {
		log.Fatal(err)
	}
	call := func(n int64) int {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		trace := fmt.Sprintf("00-%016x%016x-%016x-01", rand.Uint64(), rand.Uint64(), rand.Uint64())
		ctx = metadata.AppendToOutgoingContext(ctx, "traceparent", trace, "authorization", authorization)
		var answer []byte
		return int(status.Code(conn.Invoke(ctx, method, &requests[n%int64(len(requests))], &answer)))
	}
	var begun atomic.Int64
	var lock sync.Mutex
	var callers sync.WaitGroup
	counts := map[int]int{}
	for range inFlight {
		callers.Go(func() {
			for n := begun.Add(1) - 1; n < calls; n = begun.Add(1) - 1 {
				code := call(n)
				lock.Lock()
				counts[code]++
				lock.Unlock()
			}
		})
	}
	callers.Wait()
	printed, _ := json.Marshal(counts)
	fmt.Println(string(printed))
}

func read(file string) [][]byte {
	text, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	var requests [][]byte
	for line := range strings.Lines(string(text)) {
		request, err := hex.DecodeString(strings.TrimSpace(line))
		if err != nil {
			log.Fatal(err)
		}
		requests = append(requests, request)
	}
	return requests
}

func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		log.Fatal(err)
	}
	return n
}
