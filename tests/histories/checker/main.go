// Checks histories for linearizability: one history a line on stdin, its verdict a line on stdout.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// History is what clients saw of one object: a few rows, or a set.
type History struct {
	Name       string      `json:"name"`
	Model      string      `json:"model"`
	Operations []Operation `json:"operations"`
}

// Operation is one call. Without a Return its outcome is open: it may take effect at any time after Call, or never.
type Operation struct {
	Client int    `json:"client"`
	Call   int64  `json:"call"`
	Return *int64 `json:"return"`
	Input  Input  `json:"input"`
	Output Output `json:"output"`
}

// Verdict is "legal", "illegal", or "undecided" where the time was up.
type Verdict struct {
	Name    string  `json:"name"`
	Verdict string  `json:"verdict"`
	Seconds float64 `json:"seconds"`
	Picture string  `json:"picture,omitempty"`
}

var verdicts = map[porcupine.CheckResult]string{
	porcupine.Ok:      "legal",
	porcupine.Illegal: "illegal",
	porcupine.Unknown: "undecided",
}

func main() {
	limit := flag.Duration("limit", 10*time.Second, "the time for one history")
	pictures := flag.String("pictures", "", "the folder for a page of each history that is not legal")
	flag.Parse()
	if err := run(*limit, *pictures); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(limit time.Duration, pictures string) error {
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	reader, writer := json.NewDecoder(lines), json.NewEncoder(os.Stdout)
	for reader.More() {
		var history History
		if err := reader.Decode(&history); err != nil {
			return err
		}
		verdict, err := check(history, limit, pictures)
		if err != nil {
			return err
		}
		if err := writer.Encode(verdict); err != nil {
			return err
		}
	}
	return nil
}

func check(history History, limit time.Duration, pictures string) (Verdict, error) {
	model, known := models[history.Model]
	if !known {
		return Verdict{}, fmt.Errorf("%s: no model is called %q", history.Name, history.Model)
	}
	began := time.Now()
	result, info := porcupine.CheckOperationsVerbose(model, operations(history), limit)
	verdict := Verdict{Name: history.Name, Verdict: verdicts[result], Seconds: time.Since(began).Seconds()}
	if result == porcupine.Ok || pictures == "" {
		return verdict, nil
	}
	verdict.Picture = filepath.Join(pictures, strings.ReplaceAll(history.Name, "/", "-")+".html")
	return verdict, porcupine.VisualizePath(model, info, verdict.Picture)
}

func operations(history History) []porcupine.Operation {
	found := make([]porcupine.Operation, 0, len(history.Operations))
	for _, one := range history.Operations {
		end := int64(math.MaxInt64)
		if one.Return != nil {
			end = *one.Return
		}
		one.Output.open = one.Return == nil
		found = append(found, porcupine.Operation{
			ClientId: one.Client, Input: one.Input, Call: one.Call, Output: one.Output, Return: end,
		})
	}
	return found
}
