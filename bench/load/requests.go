package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
)

const prefix = 5 // a byte for compression, four for the length

// readRequests returns the framed messages of a file, each with its prefix.
func readRequests(path string) ([][]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var requests [][]byte
	for len(data) > 0 {
		if len(data) < prefix {
			return nil, fmt.Errorf("%s: cut off", path)
		}
		end := prefix + int(binary.BigEndian.Uint32(data[1:prefix]))
		if len(data) < end {
			return nil, fmt.Errorf("%s: cut off", path)
		}
		requests = append(requests, data[:end])
		data = data[end:]
	}
	if len(requests) == 0 {
		return nil, errors.New("there are no requests")
	}
	return requests, nil
}

// readLines returns the lines of a file; none where it has no name.
func readLines(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	return strings.Split(strings.TrimSpace(string(data)), "\n"), err
}
