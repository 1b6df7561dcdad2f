// kstatus prints what Flux makes of objects: a JSON array on standard input, and on standard
// output one status and message for each, in the same order.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type verdict struct {
	Status  status.Status `json:"status"`
	Message string        `json:"message"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "kstatus:", err)
		os.Exit(1)
	}
}

func run() error {
	var objects []json.RawMessage
	if err := json.NewDecoder(os.Stdin).Decode(&objects); err != nil {
		return fmt.Errorf("standard input must be a JSON array of objects: %w", err)
	}
	verdicts := make([]verdict, 0, len(objects))
	for at, raw := range objects {
		object := &unstructured.Unstructured{}
		// Not encoding/json, which makes every number a float64: a generation is a whole number.
		if err := object.UnmarshalJSON(raw); err != nil {
			return fmt.Errorf("object %d: %w", at, err)
		}
		result, err := status.Compute(object)
		if err != nil {
			return fmt.Errorf("object %d: %w", at, err)
		}
		verdicts = append(verdicts, verdict{result.Status, result.Message})
	}
	return json.NewEncoder(os.Stdout).Encode(verdicts)
}
