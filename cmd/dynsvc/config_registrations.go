package main

import (
	"cmp"
	"time"

	"github.com/dynsvc/dynsvc/journal"
)

// registrationsConfig is how long the logs of registrations from git and of the builds
// of images are kept. The newest of each module always is.
type registrationsConfig struct {
	KeepLogs      string `hcl:"keep_logs,optional"`       // since they were written; default 2160h, 90 days
	LogsPerModule int    `hcl:"logs_per_module,optional"` // default 30
}

// keepLogs is how long they are kept where the operator says nothing.
var keepLogs = journal.Retention{Age: 90 * 24 * time.Hour, Each: 30}

func (c *registrationsConfig) retention() journal.Retention {
	return journal.Retention{Age: cmp.Or(duration(c.KeepLogs), keepLogs.Age), Each: cmp.Or(c.LogsPerModule, keepLogs.Each)}
}

func (c *registrationsConfig) validate(fault func(format string, args ...any)) {
	if c.LogsPerModule < 0 {
		fault("registrations.logs_per_module = %d is not a number of logs", c.LogsPerModule)
	}
}
