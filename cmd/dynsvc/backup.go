package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/backup"
)

func newBackup(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy all that the agent keeps into a file, while it runs",
		Long: `Writes a backup of the agent's data folder: the database as it is at one moment,
the files of registered modules, call jobs with their results, logs of registrations.
Hashes of tokens and the key of call jobs are in it, so keep it as you keep those. The
configuration is not: it is yours. "dynsvc restore" makes a data folder of it.

FILE is whole or not written; - is standard output.`,
		Example: "  dynsvc backup dynsvc-$(date +%F).backup",
		Args:    exactly(1, "a file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			answer, err := r.open(cmd.Context(), http.MethodGet, "/api/v1/backup", "", nil)
			if err != nil {
				return err
			}
			defer answer.Close()
			if args[0] == "-" {
				_, err := io.Copy(cmd.OutOrStdout(), answer)
				return err
			}
			size, err := saveFile(args[0], answer)
			if err != nil {
				return fmt.Errorf("write the backup: %w", err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d bytes\n", args[0], size)
			return err
		},
	}
}

// saveFile writes a file that only its owner may read, whole or not at all.
func saveFile(path string, r io.Reader) (size int64, err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return 0, err
	}
	size, err = io.Copy(tmp, r)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return 0, errors.Join(err, os.Remove(tmp.Name()))
	}
	return size, nil
}

func newRestore() *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE DIR",
		Short: "Make a data folder of a backup",
		Long: `Makes the data folder DIR of what "dynsvc backup" wrote; - is standard input. DIR must
be empty or not there, and is the backup whole or as it was. Start the agent with it as
data_dir: it finds the services that run, submits jobs that are missing with their
next call, and tries again what call jobs were at.`,
		Example: "  dynsvc restore dynsvc-2026-11-27.backup /var/lib/dynsvc",
		Args:    exactly(2, "a backup and a folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := cmd.InOrStdin()
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer f.Close() //nolint:errcheck // only read from
				in = f
			}
			if err := backup.Restore(in, args[1]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s is restored: start the agent with it as data_dir\n", args[1])
			return err
		},
	}
}
