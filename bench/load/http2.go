package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"

	"golang.org/x/net/http2/hpack"
)

// overHTTP2 returns framed requests of HTTP/1.1 as HTTP/2 has them.
func overHTTP2(framed [][]byte) ([]request, error) {
	requests := make([]request, len(framed))
	for n, one := range framed {
		read, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(one[prefix:])))
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(read.Body)
		if err != nil {
			return nil, err
		}
		requests[n] = request{fields: fieldsOf(read), body: body}
	}
	return requests, nil
}

// fieldsOf returns a request's header fields, those of HTTP/2's own first (RFC 9113, 8.3).
func fieldsOf(read *http.Request) []hpack.HeaderField {
	fields := []hpack.HeaderField{
		{Name: ":method", Value: read.Method},
		{Name: ":scheme", Value: "http"},
		{Name: ":path", Value: read.RequestURI},
		{Name: ":authority", Value: read.Host},
	}
	for name, values := range read.Header {
		for _, value := range values {
			fields = append(fields, hpack.HeaderField{Name: strings.ToLower(name), Value: value})
		}
	}
	return fields
}

// outcomeOf returns 0 for the status of a request that was answered.
func outcomeOf(status string) string {
	if status == "200" {
		return "0"
	}
	return "http " + status
}
