package cluster

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Image is a container image made from nothing but the files it names.
type Image struct {
	Name       string            // in the registry, with a tag: "filtercontigs:1.0.0"
	Trees      []Tree            // one layer each, later ones over earlier ones
	Files      map[string]string // absolute path in the image -> file on this machine; one layer, the last
	Entrypoint []string
	Cmd        []string
	Env        []string // NAME=value
	WorkDir    string
	Port       int // exposed; 0: none
}

// Tree is a directory of this machine that becomes a layer.
type Tree struct {
	Dir string // on this machine
	At  string // absolute path in the image; empty: "/"

	Only string                // a file in it; empty: all
	Skip func(rel string) bool // leaves out files and folders; nil: nothing
}

// BuildImage makes the image and puts it into the loopback registry, from where
// the clients pull it like any other. It returns the reference for a job.
//
// It speaks to the registry itself, so an image is made in one pass without a
// daemon, and the daemon has never seen it before the first pull.
func (c *Cluster) BuildImage(ctx context.Context, img Image) (ref string, err error) {
	name, tag, ok := strings.Cut(img.Name, ":")
	if !ok {
		return "", fmt.Errorf("build image %s: the name has no tag", img.Name)
	}
	var layers []layer
	for _, t := range img.Trees {
		l, err := pack(func(w *tar.Writer) error { return addTree(w, t) })
		if err != nil {
			return "", fmt.Errorf("build image %s: pack %s: %w", img.Name, t.Dir, err)
		}
		layers = append(layers, l)
	}
	if len(img.Files) > 0 {
		l, err := pack(func(w *tar.Writer) error { return addFiles(w, img.Files) })
		if err != nil {
			return "", fmt.Errorf("build image %s: %w", img.Name, err)
		}
		layers = append(layers, l)
	}
	if err := c.push(ctx, name, tag, img, layers); err != nil {
		return "", fmt.Errorf("push image %s: %w", img.Name, err)
	}
	return c.Registry + "/" + img.Name, nil
}

// layer is one gzipped tar, with the digest of the tar as the image's
// configuration wants it.
type layer struct {
	zipped []byte
	diffID string
}

func pack(fill func(*tar.Writer) error) (layer, error) {
	var out bytes.Buffer
	sum := sha256.New()
	zip, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		return layer{}, err
	}
	w := tar.NewWriter(io.MultiWriter(zip, sum))
	if err := fill(w); err != nil {
		return layer{}, err
	}
	if err := w.Close(); err != nil {
		return layer{}, err
	}
	if err := zip.Close(); err != nil {
		return layer{}, err
	}
	return layer{zipped: out.Bytes(), diffID: fmt.Sprintf("sha256:%x", sum.Sum(nil))}, nil
}

func addTree(w *tar.Writer, t Tree) error {
	return filepath.Walk(t.Dir, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(t.Dir, path)
		if err != nil {
			return err
		}
		if t.Only != "" && rel != t.Only {
			return nil
		}
		if t.Skip != nil && t.Skip(rel) {
			if info.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		name := strings.TrimPrefix(filepath.Join("/", t.At, rel), "/")
		if name == "" || info.Mode()&os.ModeSocket != 0 {
			return nil
		}
		return addFile(w, name, path, info)
	})
}

func addFiles(w *tar.Writer, files map[string]string) error {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names) // same files, same digest
	for _, name := range names {
		info, err := os.Stat(files[name])
		if err != nil {
			return err
		}
		if err := addFile(w, strings.TrimPrefix(name, "/"), files[name], info); err != nil {
			return err
		}
	}
	return nil
}

func addFile(w *tar.Writer, name, path string, info os.FileInfo) error {
	link := ""
	if info.Mode()&os.ModeSymlink != 0 {
		var err error
		if link, err = os.Readlink(path); err != nil {
			return err
		}
	}
	head, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	head.Name = name
	if info.IsDir() {
		head.Name += "/"
	}
	head.Uid, head.Gid, head.Uname, head.Gname = 0, 0, "", ""
	head.ModTime = time.Unix(0, 0)
	if err := w.WriteHeader(head); err != nil || !info.Mode().IsRegular() {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// config is the image's configuration, a blob of its own.
func (img Image) config(layers []layer) ([]byte, error) {
	run := map[string]any{"Entrypoint": img.Entrypoint, "Cmd": img.Cmd, "Env": img.Env, "WorkingDir": img.WorkDir}
	if img.Port > 0 {
		run["ExposedPorts"] = map[string]any{fmt.Sprintf("%d/tcp", img.Port): map[string]any{}}
	}
	diffIDs := []string{}
	for _, l := range layers {
		diffIDs = append(diffIDs, l.diffID)
	}
	return json.Marshal(map[string]any{
		"architecture": runtime.GOARCH,
		"os":           "linux",
		"config":       run,
		"rootfs":       map[string]any{"type": "layers", "diff_ids": diffIDs},
	})
}
