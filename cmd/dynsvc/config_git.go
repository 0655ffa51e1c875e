package main

import "github.com/dynsvc/dynsvc/repos"

// gitConfig says from where and how modules are registered from git.
type gitConfig struct {
	Schemes      []string `hcl:"schemes,optional"`       // of the repositories' URLs; default https
	Hosts        []string `hcl:"hosts,optional"`         // that repositories may be on; default: any
	MaxSize      int      `hcl:"max_size,optional"`      // MiB that a clone may be; default 512
	Timeout      string   `hcl:"timeout,optional"`       // of a clone; default 5m
	GitHubSecret string   `hcl:"github_secret,optional"` // of GitHub's push hooks; $DYNSVC_GITHUB_SECRET wins; none: they are refused
	GitLabSecret string   `hcl:"gitlab_secret,optional"` // of GitLab's push hooks; $DYNSVC_GITLAB_SECRET wins; none: they are refused
}

func (c *gitConfig) options() repos.Options {
	return repos.Options{
		Limits: repos.Limits{Schemes: c.Schemes, Hosts: c.Hosts, Bytes: int64(c.MaxSize) << 20, Time: duration(c.Timeout)},
		Hooks:  repos.Hooks{GitHubSecret: c.GitHubSecret, GitLabSecret: c.GitLabSecret},
	}
}

// validate reports the faults that the grammar cannot see.
func (c *gitConfig) validate(fault func(format string, args ...any)) {
	for _, s := range c.Schemes {
		switch s {
		case "https", "http", "ssh", "git", "file":
		default:
			fault("git.schemes has %q, which is none of https, http, ssh, git, file", s)
		}
	}
	if c.MaxSize < 0 {
		fault("git.max_size = %d is not a number of MiB", c.MaxSize)
	}
}
