package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"
)

// Input is what a call asks for.
//
// Of rows, Kind is "read" of Keys, "write" of all Writes at once, or "delete" of one. Of a set it is "read", "add" or
// "remove" of Element.
type Input struct {
	Kind    string   `json:"kind"`
	Keys    []string `json:"keys,omitempty"`
	Writes  []Write  `json:"writes,omitempty"`
	Element string   `json:"element,omitempty"`
}

// Write is a row's new value, and what must be there: anything, no row (Absent), some row (Present), or the row of a
// Version. One that Merges leaves a row of the same value as it is.
type Write struct {
	Key     string `json:"key"`
	Value   int64  `json:"value"`
	Absent  bool   `json:"absent,omitempty"`
	Present bool   `json:"present,omitempty"`
	Version int64  `json:"version,omitempty"`
	Merges  bool   `json:"merges,omitempty"`
}

// Output is what a call was answered: rows where it told them, elements, or the reason that it changed nothing.
type Output struct {
	Refused  string   `json:"refused,omitempty"`
	Rows     []Row    `json:"rows,omitempty"`
	Elements []string `json:"elements,omitempty"`
	open     bool
}

// Row is a stored row; its Version is 0 where there is none.
type Row struct {
	Key     string `json:"key"`
	Value   int64  `json:"value"`
	Version int64  `json:"version"`
}

// Reasons of a refusal.
const (
	missing = "NOT_FOUND"
	taken   = "ALREADY_EXISTS"
	stale   = "ABORTED"
)

var models = map[string]porcupine.Model{
	"rows": {
		Init:              func() any { return rows{} },
		Step:              func(state, input, output any) (bool, any) { return state.(rows).step(input.(Input), output.(Output)) },
		Equal:             func(one, other any) bool { return slices.Equal(one.(rows), other.(rows)) },
		DescribeOperation: describe,
		DescribeState:     func(state any) string { return fmt.Sprint(state) },
	},
	"set": {
		Init:              func() any { return set{} },
		Step:              func(state, input, output any) (bool, any) { return state.(set).step(input.(Input), output.(Output)) },
		Equal:             func(one, other any) bool { return slices.Equal(one.(set), other.(set)) },
		DescribeOperation: describe,
		DescribeState:     func(state any) string { return fmt.Sprint(state) },
	},
}

func describe(input, output any) string {
	answer := output.(Output)
	if answer.open {
		return fmt.Sprintf("%+v: open", input)
	}
	return fmt.Sprintf("%+v: %+v", input, answer)
}

// rows is a table, in the order of its keys.
type rows []Row

func (state rows) step(input Input, output Output) (bool, any) {
	if input.Kind == "read" {
		return output.open || state.shows(input.Keys, output.Rows), state
	}
	if refusals := state.refusals(input.Writes); len(refusals) > 0 {
		return output.open || slices.Contains(refusals, output.Refused), state
	}
	next := slices.Clone(state)
	for _, write := range input.Writes {
		next = next.with(write, input.Kind == "delete")
	}
	return output.open || output.Refused == "" && next.agrees(output.Rows), next
}

func (state rows) find(key string) (Row, int) {
	place, found := slices.BinarySearchFunc(state, key, func(row Row, key string) int { return strings.Compare(row.Key, key) })
	if !found {
		return Row{Key: key}, place
	}
	return state[place], place
}

func (state rows) shows(keys []string, told []Row) bool {
	return len(keys) == len(told) && state.agrees(told)
}

// agrees: an answer needn't tell the rows, but those that it tells are these.
func (state rows) agrees(told []Row) bool {
	for _, row := range told {
		if stored, _ := state.find(row.Key); stored != row {
			return false
		}
	}
	return true
}

func (state rows) refusals(writes []Write) []string {
	var found []string
	for _, write := range writes {
		stored, _ := state.find(write.Key)
		switch {
		case write.Absent && stored.Version != 0:
			found = append(found, taken)
		case (write.Present || write.Version != 0) && stored.Version == 0:
			found = append(found, missing)
		case write.Version != 0 && stored.Version != write.Version:
			found = append(found, stale)
		}
	}
	return found
}

// with changes a clone in place: a row counts its changes from 1.
func (state rows) with(write Write, gone bool) rows {
	stored, place := state.find(write.Key)
	switch {
	case gone && stored.Version != 0:
		return slices.Delete(state, place, place+1)
	case gone, write.Merges && stored.Version != 0 && stored.Value == write.Value:
		return state
	case stored.Version != 0:
		state[place] = Row{write.Key, write.Value, stored.Version + 1}
		return state
	}
	return slices.Insert(state, place, Row{write.Key, write.Value, 1})
}

// set is a bag, sorted, so that what was added twice shows.
type set []string

func (state set) step(input Input, output Output) (bool, any) {
	place, held := slices.BinarySearch(state, input.Element)
	switch input.Kind {
	case "read":
		return output.open || slices.Equal(state, slices.Sorted(slices.Values(output.Elements))), state
	case "add":
		return output.open || output.Refused == "", slices.Insert(slices.Clone(state), place, input.Element)
	case "remove":
		if !held {
			return output.open || output.Refused == missing, state
		}
		return output.open || output.Refused == "", slices.Delete(slices.Clone(state), place, place+1)
	}
	return false, state
}
