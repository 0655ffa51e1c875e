package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// pauseSource is the program of the container that holds a group's network
// namespace: it waits until it is told to go.
const pauseSource = `package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM, syscall.SIGINT)
	<-c
}
`

func (c *Cluster) pauseImage() string { return c.Registry + "/pause:1" }

// pushPause builds the pause program and its image. The usual one would be
// pulled from a public registry.
func (c *Cluster) pushPause(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "pause")
	if err != nil {
		return fmt.Errorf("make the pause image: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	source, bin := filepath.Join(dir, "main.go"), filepath.Join(dir, "pause")
	if err := os.WriteFile(source, []byte(pauseSource), 0o644); err != nil {
		return fmt.Errorf("make the pause image: %w", err)
	}
	if err := BuildStatic(ctx, bin, source); err != nil {
		return err
	}
	_, err = c.BuildImage(ctx, Image{Name: "pause:1", Files: map[string]string{"/pause": bin}, Entrypoint: []string{"/pause"}})
	return err
}

// BuildStatic compiles a Go package or file into a program that needs no other
// file, fit for an image made from nothing.
func BuildStatic(ctx context.Context, out, pkg string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w: %s", pkg, err, text)
	}
	return nil
}
