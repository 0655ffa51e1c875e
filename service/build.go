package service

// Build is what an image is made of.
type Build struct {
	Module     string
	Version    string // semver
	Source     string // git commit of the files, or the hex digits of their digest: what names the image
	Bundle     string // "sha256:…" of the archive that has them
	Dockerfile string // path in it
}

// Batch is one run of a program that ends by itself, as a cluster has it.
type Batch struct {
	Job  string            // what it is a run of
	Key  string            // two with the same key are one
	Meta map[string]string // what the run is about
}

// BatchError says why a run did not end well.
type BatchError struct {
	Task string // that failed; empty: it is not for one
	Exit int    // its exit code; 0: it did not get to exit
	Lost bool   // the node that had it is gone
	Text string // goes on after the task's name, or stands alone without one
}

func (f *BatchError) Error() string {
	if f.Task == "" {
		return f.Text
	}
	return f.Task + " " + f.Text
}
