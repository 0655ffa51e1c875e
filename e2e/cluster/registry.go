package cluster

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

const (
	typeManifest = "application/vnd.docker.distribution.manifest.v2+json"
	typeConfig   = "application/vnd.docker.container.image.v1+json"
	typeLayer    = "application/vnd.docker.image.rootfs.diff.tar.gzip"
)

// blob is how a manifest points to a part of the image.
type blob struct {
	MediaType string `json:"mediaType"`
	Size      int    `json:"size"`
	Digest    string `json:"digest"`
}

// push uploads layers and configuration, then the manifest that names them.
func (c *Cluster) push(ctx context.Context, name, tag string, img Image, layers []layer) error {
	text, err := img.config(layers)
	if err != nil {
		return err
	}
	config, err := c.pushBlob(ctx, name, typeConfig, text)
	if err != nil {
		return err
	}
	parts := []blob{}
	for _, l := range layers {
		b, err := c.pushBlob(ctx, name, typeLayer, l.zipped)
		if err != nil {
			return err
		}
		parts = append(parts, b)
	}
	manifest, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": typeManifest, "config": config, "layers": parts,
	})
	if err != nil {
		return err
	}
	_, err = c.registryCall(ctx, http.MethodPut, "http://"+c.Registry+"/v2/"+name+"/manifests/"+tag, typeManifest, manifest)
	return err
}

// pushBlob uploads in one piece. The registry keeps a blob once, whatever the
// number of uploads.
func (c *Cluster) pushBlob(ctx context.Context, name, mediaType string, text []byte) (blob, error) {
	b := blob{MediaType: mediaType, Size: len(text), Digest: fmt.Sprintf("sha256:%x", sha256.Sum256(text))}
	place, err := c.registryCall(ctx, http.MethodPost, "http://"+c.Registry+"/v2/"+name+"/blobs/uploads/", "", nil)
	if err != nil {
		return b, err
	}
	query := place.Query()
	query.Set("digest", b.Digest)
	place.RawQuery = query.Encode()
	_, err = c.registryCall(ctx, http.MethodPut, place.String(), "application/octet-stream", text)
	return b, err
}

// registryCall sends body and returns the Location that the registry answers with.
func (c *Cluster) registryCall(ctx context.Context, method, to, contentType string, body []byte) (place *url.URL, err error) {
	req, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if res.StatusCode >= 300 {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 4096)) // only for the message
		return nil, fmt.Errorf("%s %s: %s: %s", method, req.URL.Path, res.Status, text)
	}
	return res.Location()
}
