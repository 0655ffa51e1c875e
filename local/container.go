package local

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// container is what an instance of an image is beside the docker program that is
// attached to it: that one hands signals and output on, and may end without it.
type container struct {
	docker *Docker
	name   string
	memory int    // MiB
	files  string // folder that it has files from; empty: none
}

// container prepares an instance of an image: the program to run, and what is left of it then.
// Its environment, port and limits are those that it has on a cluster.
func (r *Runtime) container(v *service.Version, in *instance, port int) (*exec.Cmd, error) {
	c := &container{docker: r.opts.Docker, name: fmt.Sprintf("%s-%s", v.ID, in.alloc), memory: max(v.Resources.Memory, v.Resources.MemoryMax)}
	args := []string{"run", "--name", c.name, "--label", ownerLabel + "=" + r.opts.Dir,
		"--publish", fmt.Sprintf("127.0.0.1:%d:%d", port, v.Run.Port),
		"--add-host", insideHost + ":host-gateway"}
	if c.memory > 0 {
		args = append(args, "--memory", fmt.Sprintf("%dm", c.memory))
	}
	if v.Resources.CPU > 0 {
		args = append(args, "--cpu-shares", strconv.Itoa(max(2, v.Resources.CPU)))
	}
	if r.opts.Built(v) {
		args = append(args, "--pull", "never")
	}
	env, err := r.inside(v, in)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		args = append(args, "--env", name+"="+env[name])
	}
	own := os.Environ()
	if v.Given != nil {
		for name, value := range v.Given.Env { // by name: what is secret is in no list of processes
			args, own = append(args, "--env", name), append(own, name+"="+r.reachable(value))
		}
	}
	for _, name := range v.Run.Secrets {
		args = append(args, "--env", name)
	}
	if v.Given != nil && v.Given.KBase {
		if c.files, err = os.MkdirTemp(r.run, "files-"); err != nil {
			return nil, err
		}
		file := filepath.Join(c.files, "config.properties")
		if err := os.WriteFile(file, []byte(properties(v.Given.Env, r.reachable)), 0o644); err != nil {
			return nil, err
		}
		args = append(args, "--volume", file+":/kb/module/work/config.properties:ro")
		for name, value := range map[string]string{"us.kbase.dynamicservice": "true", "us.kbase.module.module_name": service.ModuleKey(v.Module),
			"us.kbase.module.version": v.Version, "us.kbase.module.git_commit_hash": v.Commit} {
			args = append(args, "--label", name+"="+value)
		}
	}
	in.container = c
	cmd := exec.Command(c.docker.program, append(args, v.Run.Image)...) //nolint:noctx // a child outlives the request that started it; stop ends it
	cmd.Env = append(own, allocVariable+"="+in.alloc)
	return cmd, nil
}

// inside is the environment of a container, but for what is secret.
func (r *Runtime) inside(v *service.Version, in *instance) (map[string]string, error) {
	env := map[string]string{"HOST": "0.0.0.0"}
	for name, value := range v.Run.Env {
		env[name] = r.reachable(value)
	}
	for _, name := range v.Run.Secrets {
		if _, set := os.LookupEnv(name); !set {
			return nil, fmt.Errorf("its secret %s is not set here: set it in the environment that dynsvc runs in", name)
		}
	}
	maps.Copy(env, told(v, in, v.Run.Port))
	return env, nil
}

// reachable is a text in which this agent's URL is one that containers can use.
func (r *Runtime) reachable(text string) string {
	if r.opts.URL == "" {
		return text
	}
	_, port, _ := strings.Cut(strings.TrimPrefix(r.opts.URL, "http://"), ":")
	return strings.ReplaceAll(text, r.opts.URL, "http://"+insideHost+":"+port)
}

// ended says why a container ended where its docker program alone does not know, and
// removes it. how is what that program's end was.
func (c *container) ended(how string) (string, error) {
	ctx := context.Background() // it is bounded by the questions' own time
	if state, err := c.docker.ask(ctx, "inspect", "--format", "{{.State.OOMKilled}}", c.name); err == nil && state == "true" {
		how = fmt.Sprintf("it used more than its %d MiB of memory and was killed", c.memory)
	}
	err := c.remove()
	if c.files != "" {
		if failed := os.RemoveAll(c.files); err == nil {
			err = failed
		}
	}
	return how, err
}

// remove ends a container and whatever is left of it.
func (c *container) remove() error {
	_, err := c.docker.ask(context.Background(), "rm", "--force", "--volumes", c.name)
	if err != nil && strings.Contains(err.Error(), "No such container") {
		return nil // it never came to be
	}
	return err
}
