package main

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// field is a column that clients write, and where its value is in a message.
type field[M any] struct {
	column string
	value  func(M) any
}

func columns[M any](fields []field[M]) []string {
	names := make([]string, len(fields))
	for n, field := range fields {
		names[n] = field.column
	}
	return names
}

// assignments returns the SET list of an update and its arguments, which begin at $2.
func assignments[M any](message M, fields []field[M], paths []string) (string, []any, error) {
	var sets []string
	var values []any
	for _, path := range paths {
		n := position(fields, path)
		if n < 0 {
			return "", nil, status.Errorf(codes.InvalidArgument, "update_mask: there is no %q", path)
		}
		values = append(values, fields[n].value(message))
		sets = append(sets, fmt.Sprintf("%s = $%d", path, len(values)+1))
	}
	if sets == nil {
		return "", nil, status.Error(codes.InvalidArgument, "update_mask: it is empty")
	}
	return strings.Join(sets, ", "), values, nil
}

func position[M any](fields []field[M], column string) int {
	for n, field := range fields {
		if field.column == column {
			return n
		}
	}
	return -1
}

// stored returns a timestamp for PostgreSQL, nil for NULL.
func stored(t *timestamppb.Timestamp) *time.Time {
	if t == nil {
		return nil
	}
	at := t.AsTime()
	return &at
}

// sent returns a timestamp for a message, nil for NULL.
func sent(t *time.Time) *timestamppb.Timestamp {
	if t == nil {
		return nil
	}
	return timestamppb.New(*t)
}
