//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/dynsvc/dynsvc/e2e/cluster"
)

// TestClusterIsReady checks what Start promises beyond "no error": the classes
// can be told apart by what they offer.
func TestClusterIsReady(t *testing.T) {
	stubs, _, err := servers.Nomad.Nodes().List(&nomad.QueryOptions{Params: map[string]string{"resources": "true"}})
	if err != nil {
		t.Fatal(err)
	}
	memory := map[string]int64{}
	for _, n := range stubs {
		memory[n.NodeClass] = n.NodeResources.Memory.MemoryMB
	}
	if len(memory) != len(cluster.Classes) {
		t.Fatalf("classes = %v, want %v", memory, cluster.Classes)
	}
	if memory["highmem"] <= memory["general"] || memory["highmem"] <= memory["gpu"] {
		t.Errorf("memory by class = %v, want highmem to have the most", memory)
	}
}

// TestKilledServersComeBack checks that tests may take a part of the cluster
// away and put it back: same node, same data.
func TestKilledServersComeBack(t *testing.T) {
	for _, name := range []string{"nomad-general", "consul-gpu", "consul-server", "nomad-server"} {
		t.Run(name, func(t *testing.T) {
			if err := servers.Kill(name); err != nil {
				t.Fatal(err)
			}
			if err := servers.StartProcess(t.Context(), name); err != nil {
				t.Fatal(err)
			}
			nodes, _, err := servers.Nomad.Nodes().List(nil)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := len(nodes), len(cluster.Classes); got != want {
				t.Errorf("%d nodes, want the same %d", got, want)
			}
		})
	}
}

// TestPythonImage checks that an image of Debian packages lands in the registry
// and that its program, which imports what a service needs, answers from a container.
func TestPythonImage(t *testing.T) {
	const id = "python-test"
	dir := t.TempDir()
	program := "import http.server, json, ssl, sqlite3, urllib.request\n" +
		"http.server.HTTPServer(('0.0.0.0', 5000), http.server.SimpleHTTPRequestHandler).serve_forever()\n"
	if err := os.WriteFile(filepath.Join(dir, "server.py"), []byte(program), 0o644); err != nil {
		t.Fatal(err)
	}
	ref, err := servers.PythonImage(t.Context(), id+":1", dir)
	if err != nil {
		t.Fatal(err)
	}

	task := nomad.NewTask("app", "docker").SetConfig("image", ref).SetConfig("ports", []string{"http"})
	group := nomad.NewTaskGroup("app", 1).AddTask(task)
	group.Networks = []*nomad.NetworkResource{{DynamicPorts: []nomad.Port{{Label: "http", To: 5000}}}}
	job := nomad.NewServiceJob(id, id, "global", 50).AddDatacenter("*").AddTaskGroup(group)
	if _, _, err := servers.Nomad.Jobs().Register(job, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, _, err := servers.Nomad.Jobs().Deregister(id, true, nil); err != nil {
			t.Error(err)
		}
	})
	err = cluster.WaitFor(t.Context(), "an answer from Python", time.Minute, func(ctx context.Context) error {
		allocs, _, err := servers.Nomad.Jobs().Allocations(id, false, nil)
		if err != nil {
			return err
		}
		if len(allocs) == 0 {
			return errors.New("no allocation yet")
		}
		alloc, _, err := servers.Nomad.Allocations().Info(allocs[0].ID, nil)
		if err != nil {
			return err
		}
		port := alloc.AllocatedResources.Shared.Ports[0]
		return answers(ctx, fmt.Sprintf("http://%s:%d/server.py", port.HostIP, port.Value))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// answers is nil when url gives a 2xx.
func answers(ctx context.Context, url string) error {
	return answersTo(ctx, http.DefaultClient, url)
}

func answersTo(ctx context.Context, client *http.Client, url string) (err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		err = errors.New(res.Status)
	}
	return errors.Join(err, res.Body.Close())
}
