// flux applies and deletes objects with the engine of Flux's kustomize-controller, and waits for
// them as it does. It reads manifests on standard input, uses the cluster of KUBECONFIG, and
// prints what became of each object as JSON. An apply or a wait that failed is told in "error".
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling"
	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/normalize"
	"github.com/fluxcd/pkg/ssa/utils"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

const usage = "usage: flux [--namespace NAME] [--timeout 60s] [--fail-fast=false] apply|delete <manifests.yaml"

// What the engine polls at; Flux itself takes five seconds.
const interval = 250 * time.Millisecond

type outcome struct {
	Actions map[string]string `json:"actions"`
	Objects map[string]state  `json:"objects"`
	Error   string            `json:"error"`
}

type state struct {
	Status  status.Status `json:"status"`
	Message string        `json:"message"`
}

type engine struct {
	manager *ssa.ResourceManager
	timeout time.Duration
	fast    bool
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "flux:", err)
		os.Exit(1)
	}
}

func run() error {
	namespace := flag.String("namespace", "default", "the namespace of objects that name none")
	timeout := flag.Duration("timeout", time.Minute, "how long to wait")
	fast := flag.Bool("fail-fast", true, "end at the first object that failed")
	flag.Parse()
	if flag.NArg() != 1 {
		return errors.New(usage)
	}
	objects, err := read(os.Stdin, *namespace)
	if err != nil {
		return err
	}
	manager, err := connect()
	if err != nil {
		return err
	}
	engine := engine{manager, *timeout, *fast}
	var result outcome
	switch command := flag.Arg(0); command {
	case "apply":
		result = engine.apply(objects)
	case "delete":
		result = engine.delete(objects)
	default:
		return fmt.Errorf("unknown command %q; %s", command, usage)
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

func read(from io.Reader, namespace string) ([]*unstructured.Unstructured, error) {
	objects, err := utils.ReadObjects(from)
	if err != nil {
		return nil, fmt.Errorf("standard input must be manifests: %w", err)
	}
	for _, object := range objects {
		if object.GetNamespace() == "" {
			object.SetNamespace(namespace)
		}
	}
	return objects, normalize.UnstructuredList(objects)
}

func connect() (*ssa.ResourceManager, error) {
	path := os.Getenv(clientcmd.RecommendedConfigPathEnvVar)
	if path == "" {
		return nil, errors.New("set KUBECONFIG to the file of the cluster")
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return nil, err
	}
	// The limit of the client would end a short wait with an error of its own.
	config.QPS = -1
	http, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	mapper, err := apiutil.NewDynamicRESTMapper(config, http)
	if err != nil {
		return nil, err
	}
	kube, err := client.New(config, client.Options{HTTPClient: http, Mapper: mapper})
	if err != nil {
		return nil, err
	}
	poller := polling.NewStatusPoller(kube, mapper, polling.Options{})
	owner := ssa.Owner{Field: "kustomize-controller", Group: "kustomize.toolkit.fluxcd.io"}
	return ssa.NewResourceManager(kube, poller, owner), nil
}

func (e engine) apply(objects []*unstructured.Unstructured) outcome {
	changes, err := e.manager.ApplyAllStaged(context.Background(), objects, ssa.DefaultApplyOptions())
	if err == nil {
		err = e.manager.Wait(objects, ssa.WaitOptions{
			Interval: interval, Timeout: e.timeout, FailFast: e.fast,
		})
	}
	return e.told(objects, changes, err)
}

func (e engine) delete(objects []*unstructured.Unstructured) outcome {
	options := ssa.DefaultDeleteOptions()
	options.Exclusions = map[string]string{
		"kustomize.toolkit.fluxcd.io/prune":     "disabled",
		"kustomize.toolkit.fluxcd.io/reconcile": "disabled",
	}
	changes, err := e.manager.DeleteAll(context.Background(), objects, options)
	if err == nil {
		err = e.manager.WaitForSetTermination(changes, ssa.WaitOptions{
			Interval: interval, Timeout: e.timeout,
		})
	}
	return e.told(objects, changes, err)
}

func (e engine) told(objects []*unstructured.Unstructured, changes *ssa.ChangeSet, why error) outcome {
	result := outcome{map[string]string{}, map[string]state{}, ""}
	if why != nil {
		result.Error = why.Error()
	}
	if changes != nil {
		for _, entry := range changes.Entries {
			result.Actions[entry.Subject] = string(entry.Action)
		}
	}
	for _, object := range objects {
		result.Objects[utils.FmtUnstructured(object)] = e.state(object)
	}
	return result
}

func (e engine) state(object *unstructured.Unstructured) state {
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(object.GroupVersionKind())
	err := e.manager.Client().Get(context.Background(), client.ObjectKeyFromObject(object), live)
	if err != nil && client.IgnoreNotFound(err) == nil {
		return state{status.NotFoundStatus, ""}
	}
	if err != nil {
		return state{status.UnknownStatus, err.Error()}
	}
	result, err := status.Compute(live)
	if err != nil {
		return state{status.UnknownStatus, err.Error()}
	}
	return state{result.Status, result.Message}
}
