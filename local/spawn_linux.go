package local

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// ownGroup makes a child the leader of a group that dies with us, even when we
// are killed.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// endLeftovers kills what children of a killed run started in turn (a child
// itself dies with us). A process is known by the instance id in its environment,
// never by its name. It returns how many it ended.
func endLeftovers(run string) (int, error) {
	records, err := os.ReadDir(run)
	if err != nil {
		return 0, err
	}
	if len(records) == 0 {
		return 0, nil
	}
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return 0, err
	}
	ended := 0
	for _, path := range environs {
		environ, err := os.ReadFile(path)
		if err != nil {
			continue // ended meanwhile, or somebody else's
		}
		for _, record := range records {
			if !bytes.Contains(environ, []byte(allocVariable+"="+record.Name()+"\x00")) {
				continue
			}
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err != nil {
				return ended, err
			}
			if err := syscall.Kill(pid, syscall.SIGKILL); err == nil {
				ended++
			}
		}
	}
	var errs []error
	for _, record := range records {
		errs = append(errs, os.RemoveAll(filepath.Join(run, record.Name()))) // a file, or the files of a container
	}
	return ended, errors.Join(errs...)
}
