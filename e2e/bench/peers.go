package main

import (
	"context"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Every peer is set up to be as fast as it can be without giving anything up: it
// keeps connections to the backend, logs no calls and uses both cores.
var peerConfigs = map[string]string{
	"caddy": `{
	admin off
	auto_https off
	log {
		level ERROR
	}
}
http://LISTEN {
	bind 127.0.0.1
	reverse_proxy BACKEND {
		transport http {
			compression off
			keepalive_idle_conns 1024
			keepalive_idle_conns_per_host 1024
		}
	}
}
`,
	"haproxy": `global
  nbthread 2
  maxconn 4096
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 30s
frontend in
  bind LISTEN
  default_backend out
backend out
  http-reuse always
  server backend BACKEND
`,
	"nginx": `daemon off;
pid DIR/nginx.pid;
error_log stderr error;
worker_processes 2;
events {
  worker_connections 4096;
}
http {
  access_log off;
  client_body_temp_path DIR/nginx-body;
  proxy_temp_path DIR/nginx-proxy;
  fastcgi_temp_path DIR/nginx-fastcgi;
  uwsgi_temp_path DIR/nginx-uwsgi;
  scgi_temp_path DIR/nginx-scgi;
  keepalive_requests 100000000;
  upstream backend {
    server BACKEND;
    keepalive 256;
    keepalive_requests 100000000;
  }
  server {
    listen LISTEN;
    location / {
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`,
}

// peer starts a proxy to the backend and returns where it listens.
func (b *bench) peer(ctx context.Context, name, backend string) (p *process, addr string, err error) {
	return b.peerAs(ctx, name, peerConfigs[name], backend)
}

// peerAs is peer with a configuration of its own.
func (b *bench) peerAs(ctx context.Context, name, config, backend string) (p *process, addr string, err error) {
	if addr, err = freeAddr(); err != nil {
		return nil, "", err
	}
	file := filepath.Join(b.dir, name+".conf")
	text := strings.NewReplacer("LISTEN", addr, "BACKEND", backend, "DIR", b.dir).Replace(config)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return nil, "", err
	}
	argv := map[string][]string{
		"caddy":   {"caddy", "run", "--adapter", "caddyfile", "--config", file},
		"haproxy": {"haproxy", "-db", "-q", "-f", file},
		"nginx":   {"nginx", "-e", "stderr", "-p", b.dir, "-c", file},
		"bare":    {os.Args[0], "-bare-proxy", backend, "-listen", addr},
	}[name]
	if p, err = b.start(name, []string{"HOME=" + b.dir, "XDG_DATA_HOME=" + b.dir, "XDG_CONFIG_HOME=" + b.dir}, argv...); err != nil {
		return nil, "", err
	}
	if err := p.answers(ctx, scheme(config)+addr+"/"); err != nil {
		p.stop()
		return nil, "", err
	}
	return p, addr, nil
}

// scheme is how a peer with that configuration is asked.
func scheme(config string) string {
	if strings.Contains(config, certFile) {
		return "https://"
	}
	return "http://"
}

// bareProxy is Go's own proxy with a tuned transport and nothing else: what a Go
// gateway made of the standard library has as its ceiling.
func bareProxy(listen, backend string) error {
	to := &url.URL{Scheme: "http", Host: backend}
	proxy := &httputil.ReverseProxy{
		Rewrite:    func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport:  &http.Transport{MaxIdleConns: 1024, MaxIdleConnsPerHost: 1024, DisableCompression: true},
		BufferPool: buffers{},
	}
	return http.ListenAndServe(listen, proxy)
}

type buffers struct{}

var pool = sync.Pool{New: func() any { return new([32 << 10]byte) }}

func (buffers) Get() []byte  { return pool.Get().(*[32 << 10]byte)[:] }
func (buffers) Put(p []byte) { pool.Put((*[32 << 10]byte)(p)) }
