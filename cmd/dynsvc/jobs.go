package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dynsvc/dynsvc/server"
	"github.com/dynsvc/dynsvc/service"
)

func newJobs(r *remote) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "jobs",
		Short: "List, show, await, cancel and send back calls that run as jobs",
		Long: `A job is a call for which nobody waits on a connection; "dynsvc call -async" makes
one and prints its id. Whoever made it sees it, and an admin sees all. What could
not be run to an answer is dead and says why: "jobs redrive" sends it back. "-" in
place of a job reads its id from standard input.`,
		Example: `  dynsvc jobs list -state dead
  dynsvc call -async FilterContigs filter_contigs @params.json | dynsvc jobs wait -
  dynsvc jobs redrive kfvkst33bhc66kkpsuzghkhwv5`,
		Args: exactly(0, "one of list, show, wait, cancel, redrive"),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newJobsList(r), newJobsShow(r), newJobsWait(r),
		newJobsAct(r, "cancel", "Cancel a job that has not ended, and let go of its instance", http.MethodDelete, ""),
		newJobsAct(r, "redrive", "Send a dead job back to be tried as if it never had been", http.MethodPost, "/redrive"))
	return cmd
}

func newJobsList(r *remote) *cobra.Command {
	var state, module, caller string
	var limit int
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List your jobs, or everybody's to an admin, the newest first",
		Example: "  dynsvc jobs list\n  dynsvc jobs list -state dead -module FilterContigs",
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := url.Values{"limit": {strconv.Itoa(limit)}}
			for name, value := range map[string]string{"state": state, "module": module, "caller": caller} {
				if value != "" {
					query.Set(name, value)
				}
			}
			var page server.JobPage
			if err := r.do(cmd.Context(), http.MethodGet, "/api/v1/jobs?"+query.Encode(), nil, &page); err != nil {
				return err
			}
			if r.json {
				return printJSON(cmd.OutOrStdout(), page.Jobs)
			}
			t := newTable(cmd.OutOrStdout(), "JOB", "STATE", "METHOD", "CALLER", "SUBMITTED", "ATTEMPTS", "REASON")
			t.none = "There are no such jobs. Try: dynsvc call -async MODULE METHOD"
			for _, j := range page.Jobs {
				t.row(j.ID, string(j.State), j.Module+"."+j.Method, j.Caller, ago(j.Submitted), strconv.Itoa(j.Attempts), firstLine(j.Reason))
			}
			return t.flush()
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "only jobs that are queued, running, done, failed, cancelled or dead")
	cmd.Flags().StringVar(&module, "module", "", "only jobs of this module")
	cmd.Flags().StringVar(&caller, "caller", "", "only jobs of this caller, for admins")
	cmd.Flags().IntVar(&limit, "limit", 50, "how many at most")
	return cmd
}

func newJobsShow(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:     "show JOB",
		Short:   "Show how far a job is, and its result once it is done",
		Example: "  dynsvc jobs show kfvkst33bhc66kkpsuzghkhwv5 -json",
		Args:    exactly(1, "the id of a job"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := jobID(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			job, err := r.job(cmd.Context(), id, 0)
			if err != nil {
				return err
			}
			if r.json {
				return printJSON(cmd.OutOrStdout(), job)
			}
			return printJob(cmd.OutOrStdout(), job)
		},
	}
}

func newJobsWait(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:     "wait JOB",
		Short:   "Wait until a job has ended and print its result",
		Long:    "Waits until a job has ended, tells of its progress on standard error, and prints its\nresult. The exit code is 1 unless the job is done. The job goes on when this is interrupted.",
		Example: "  dynsvc jobs wait kfvkst33bhc66kkpsuzghkhwv5",
		Args:    exactly(1, "the id of a job"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := jobID(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			return r.await(cmd.Context(), id, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
}

// newJobsAct is a command that changes a job.
func newJobsAct(r *remote, name, short, method, path string) *cobra.Command {
	return &cobra.Command{
		Use:     name + " JOB",
		Short:   short,
		Example: "  dynsvc jobs " + name + " kfvkst33bhc66kkpsuzghkhwv5",
		Args:    exactly(1, "the id of a job"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := jobID(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			var job server.JobView
			if err := r.do(cmd.Context(), method, jobPath(id)+path, nil, &job); err != nil {
				return err
			}
			if r.json {
				return printJSON(cmd.OutOrStdout(), job)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Job %s is %s.\n", job.ID, job.State)
			return err
		},
	}
}

// jobID is the id that an argument stands for.
func jobID(arg string, stdin io.Reader) (string, error) {
	if arg != "-" {
		return arg, nil
	}
	text, err := io.ReadAll(io.LimitReader(stdin, 1<<10))
	if err != nil {
		return "", fmt.Errorf("read the id of the job: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

func jobPath(id string) string { return "/api/v1/jobs/" + url.PathEscape(id) }

// job reads a job, once it changes or wait is over.
func (r *remote) job(ctx context.Context, id string, wait time.Duration) (job server.JobView, err error) {
	path := jobPath(id)
	if wait > 0 {
		path += "?wait=" + wait.String()
	}
	return job, r.do(ctx, http.MethodGet, path, nil, &job)
}

// submit makes a job of a call.
func (r *remote) submit(ctx context.Context, target, method string, params json.RawMessage) (job server.JobView, err error) {
	module, ref, hasRef := strings.Cut(target, "@")
	if !hasRef {
		// As a call without a version: the release, or what there is.
		v, err := r.version(ctx, module)
		if err != nil {
			return job, err
		}
		ref = string(v.ID)
	}
	if _, name, dotted := strings.Cut(method, "."); dotted {
		method = name
	}
	path := "/api/v1/modules/" + url.PathEscape(module) + "/versions/" + url.PathEscape(ref) + "/methods/" + url.PathEscape(method) + "/jobs"
	return job, r.do(ctx, http.MethodPost, path, server.JobInput{Params: params}, &job)
}

// await tells how a job goes on, and prints what came of it.
func (r *remote) await(ctx context.Context, id string, stdout, stderr io.Writer) error {
	last := ""
	for wait := time.Duration(0); ; wait = 30 * time.Second {
		job, err := r.job(ctx, id, wait)
		if err != nil {
			return err
		}
		if line := progressLine(job.CallJob); line != last && !job.State.Finished() {
			fmt.Fprintln(stderr, line)
			last = line
		}
		if !job.State.Finished() {
			continue
		}
		if job.State != service.JobDone {
			return fmt.Errorf("job %s is %s: %s", job.ID, job.State, job.Reason)
		}
		return printResult(stdout, job.Result)
	}
}

func printResult(w io.Writer, result json.RawMessage) error {
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, result, "", "  "); err != nil {
		return fmt.Errorf("the result is not JSON: %w", err)
	}
	_, err := fmt.Fprintln(w, pretty.String())
	return err
}

// progressLine is how far a job is, for a person.
func progressLine(j service.CallJob) string {
	line := string(j.State)
	if j.Progress != nil {
		line += fmt.Sprintf(" %.0f %%", *j.Progress*100)
	}
	if j.Message != nil && *j.Message != "" {
		line += ": " + *j.Message
	}
	if j.State == service.JobQueued && j.Reason != "" {
		line += ", tried again after: " + firstLine(j.Reason)
	}
	return line
}

func printJob(w io.Writer, job server.JobView) error {
	t := newTable(w, "JOB", job.ID)
	t.row("State", progressLine(job.CallJob))
	t.row("Method", job.Module+"."+job.Method+" of "+job.Version+" ("+string(job.Service)+")")
	t.row("Caller", job.Caller)
	t.row("Submitted", ago(job.Submitted))
	t.row("Attempts", strconv.Itoa(job.Attempts))
	if job.Due != nil {
		t.row("Tried again", "in "+time.Until(*job.Due).Round(time.Second).String())
	}
	if job.Finished != nil {
		t.row("Ended", ago(*job.Finished))
	}
	if job.Reason != "" {
		t.row("Reason", job.Reason)
	}
	if c := job.Callback; c != nil {
		t.row("Callback", string(c.State)+", "+strconv.Itoa(c.Attempts)+" attempts, "+c.URL)
		if c.Error != "" {
			t.row("", c.Error)
		}
	}
	if err := t.flush(); err != nil || job.State != service.JobDone {
		return err
	}
	return printResult(w, job.Result)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
