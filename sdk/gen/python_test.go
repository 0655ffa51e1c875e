package gen_test

import (
	"os/exec"
	"testing"

	"github.com/dynsvc/dynsvc/sdk/gen"
)

func TestPython(t *testing.T) {
	t.Parallel()
	dir := client(t, everything, gen.Python)
	place(t, dir, "python/driver.py")
	python := interpreter(t, "python3")
	command(t, dir, nil, python, "-W", "error", "-m", "compileall", "-q", ".")
	// Checkers of types and of form are not part of Python; where they are
	// installed they have to agree.
	if mypy, err := exec.LookPath("mypy"); err == nil {
		command(t, dir, nil, mypy, "--strict", "--python-version", "3.9", "driver.py", "everything")
	}
	if black, err := exec.LookPath("black"); err == nil {
		command(t, dir, nil, black, "--check", "--quiet", "--diff", "everything")
	}
	// Without types, a wrong one is not seen.
	drive(t, dir, []string{"liar"}, python, "-W", "error", "driver.py")
}
