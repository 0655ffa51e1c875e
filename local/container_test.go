package local_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dynsvc/dynsvc/local"
	"github.com/dynsvc/dynsvc/service"
)

// pretendDocker is a daemon in a folder: a file for each container, with the command
// line and the environment that it was run with.
func pretendDocker(dir string, args []string) {
	name := filepath.Join(dir, args[len(args)-1])
	switch args[0] {
	case "run":
		at := func(flag string) string { return args[slices.Index(args, flag)+1] }
		if err := os.WriteFile(filepath.Join(dir, at("--name")), []byte(strings.Join(append(args, os.Environ()...), "\n")), 0o600); err != nil {
			panic(err)
		}
		if strings.Contains(args[len(args)-1], "greedy") {
			os.Exit(137)
		}
		host, rest, _ := strings.Cut(at("--publish"), ":")
		port, _, _ := strings.Cut(rest, ":")
		done := make(chan os.Signal, 1)
		signal.Notify(done, syscall.SIGTERM)
		go func() { <-done; os.Exit(0) }()
		panic(http.ListenAndServe(net.JoinHostPort(host, port), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, at("--name")) })))
	case "ps":
		all, _ := os.ReadDir(dir) // there is none: no containers
		for _, e := range all {
			fmt.Fprintln(os.Stdout, e.Name())
		}
	case "inspect": // the only ones that end by themselves
		fmt.Fprintln(os.Stdout, "true")
	case "rm":
		if os.Remove(name) != nil {
			fmt.Fprintln(os.Stderr, "Error: No such container: "+args[len(args)-1])
			os.Exit(1)
		}
	case "version":
		if dir == "down" {
			fmt.Fprintln(os.Stderr, "Cannot connect to the Docker daemon at unix:///nowhere. Is the docker daemon running?")
			os.Exit(1)
		}
		fmt.Fprintln(os.Stdout, "0")
	}
	os.Exit(0)
}

// withDocker puts the pretended docker in the path and returns its folder.
func withDocker(t *testing.T) (dir string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin, dir := t.TempDir(), t.TempDir()
	if err := os.Symlink(exe, filepath.Join(bin, "docker")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	t.Setenv("BEHAVE", "docker")
	t.Setenv("FAKE_DOCKER", dir)
	return dir
}

func image(name string) service.Version {
	return service.Version{ID: "dyn-a", Module: "A", Version: "1.0.0", Commit: "abc", Resources: service.Resources{CPU: 250, Memory: 64, MemoryMax: 128},
		Run: service.Run{Image: name, Port: 5000, Secrets: []string{"DB_PASSWORD"}, Env: map[string]string{"SELF": "http://127.0.0.1:8080/x"},
			StopGrace: service.Duration{Duration: 5 * time.Second}},
		Given: &service.Given{KBase: true, Env: map[string]string{"KBASE_ENDPOINT": "http://127.0.0.1:8080/services", "KBASE_SECURE_CONFIG_PARAM_key": "50%\nmore"}}}
}

func TestAnImageRunsAsAContainer(t *testing.T) {
	containers := withDocker(t)
	t.Setenv("DB_PASSWORD", "secret")
	if err := os.WriteFile(filepath.Join(containers, "left-by-a-crash"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	docker, err := local.FindDocker(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	r, until := startWith(t, local.Options{Dir: data, Docker: docker, URL: "http://127.0.0.1:8080"}, service.Job{Version: image("here/a:1")})
	if left, _ := filepath.Glob(filepath.Join(containers, "*")); len(left) != 0 {
		t.Errorf("of a crash are left %v", left)
	}
	scale(t, r, 1)
	s := until("an endpoint", func(s service.State) bool { return len(s.Endpoints) == 1 })
	name := ask(t, s.Endpoints[0].Addr)
	if want := "dyn-a-" + s.Endpoints[0].Alloc; name != want {
		t.Errorf("%s answers, want %s", name, want)
	}
	run, err := os.ReadFile(filepath.Join(containers, name))
	if err != nil {
		t.Fatal(err)
	}
	args, env, _ := strings.Cut(string(run), "\nhere/a:1\n")
	for _, want := range []string{"--memory\n128m", "--cpu-shares\n250", "--env\nPORT=5000", "--env\nHOST=0.0.0.0", "--env\nDYNSVC_MODULE=A", "--add-host\nhost.docker.internal:host-gateway",
		"--env\nSELF=http://host.docker.internal:8080/x", "--env\nDB_PASSWORD\n", "--env\nKBASE_ENDPOINT\n", "--label\ndynsvc.local=" + data, "--label\nus.kbase.module.module_name=a"} {
		if !strings.Contains(args+"\n", want) {
			t.Errorf("docker was not told %q:\n%s", want, args)
		}
	}
	if strings.Contains(args, "50%") || strings.Contains(args, "secret") {
		t.Errorf("what is secret is in the list of processes:\n%s", args)
	}
	if !strings.Contains(env, "KBASE_ENDPOINT=http://host.docker.internal:8080/services\n") || !strings.Contains(env, "KBASE_SECURE_CONFIG_PARAM_key=50%\nmore") {
		t.Errorf("its environment is\n%s", env)
	}
	_, file, _ := strings.Cut(args, "--volume\n")
	file, _, _ = strings.Cut(file, ":/kb/module/work/config.properties:ro")
	properties, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(properties), "kbase_endpoint = http://host.docker.internal:8080/services\n") || !strings.Contains(string(properties), "key = 50%%\n more\n") {
		t.Errorf("config.properties is %q, %v", properties, err)
	}

	scale(t, r, 0)
	until("none", func(s service.State) bool { return s.Count == 0 && len(s.Endpoints) == 0 })
	for range 2000 {
		left, _ := filepath.Glob(filepath.Join(containers, "*"))
		files, _ := filepath.Glob(filepath.Join(data, "run", "*"))
		if len(left)+len(files) == 0 {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Error("the container, or what it was given, is left after its stop")
}

func TestAContainerThatWantsTooMuchSaysSo(t *testing.T) {
	withDocker(t)
	t.Setenv("DB_PASSWORD", "secret")
	docker, err := local.FindDocker(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, until := startWith(t, local.Options{Dir: t.TempDir(), Docker: docker}, service.Job{Version: image("here/greedy:1")})
	scale(t, r, 1)
	s := until("a failure", func(s service.State) bool { return s.Failure != nil && s.Failure.Final })
	if !strings.Contains(s.Failure.Text, "more than its 128 MiB of memory") {
		t.Errorf("failure %q", s.Failure.Text)
	}
}

func TestASecretThatIsNotSetIsNamed(t *testing.T) {
	withDocker(t)
	docker, err := local.FindDocker(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, until := startWith(t, local.Options{Dir: t.TempDir(), Docker: docker}, service.Job{Version: image("here/a:1")})
	scale(t, r, 1)
	s := until("a failure", func(s service.State) bool { return s.Failure != nil })
	if !strings.Contains(s.Failure.Text, "its secret DB_PASSWORD is not set here") {
		t.Errorf("failure %q", s.Failure.Text)
	}
}

func TestWithoutADaemonAnImageIsRefused(t *testing.T) {
	withDocker(t)
	t.Setenv("FAKE_DOCKER", "down")
	_, why := local.FindDocker(t.Context())
	if why == nil || !errors.Is(why, service.ErrUnavailable) || !strings.Contains(why.Error(), "Cannot connect to the Docker daemon") {
		t.Fatalf("why = %v", why)
	}
	r, err := local.Open(local.Options{Dir: t.TempDir(), Why: why}, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	v := image("here/a:1")
	if err := r.Able(&v); !errors.Is(err, service.ErrInvalid) || !strings.Contains(err.Error(), "Cannot connect") || !strings.Contains(err.Error(), "start one, or name it in $DOCKER_HOST") {
		t.Errorf("error %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, why := local.FindDocker(t.Context()); why == nil || !strings.Contains(why.Error(), "docker is not installed") {
		t.Errorf("why = %v", why)
	}
}
