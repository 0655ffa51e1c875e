package metrics

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/dynsvc/dynsvc/service"
)

// Sources are where the numbers come from. What is nil is not shown.
type Sources struct {
	Version    string                                          // of this program
	Totals     func() []service.Total                          // of each service since the start
	LeafExpiry func() time.Time                                // of the gateway's certificate in the mesh; zero: there is none yet
	Jobs       func(context.Context) (map[string]int64, error) // call jobs by state
	Dropped    func() int64                                    // lines of the access log that were lost
}

// Metrics are the agent's. [New] makes them.
type Metrics struct {
	registry  *prometheus.Registry
	decisions *prometheus.CounterVec
}

// New returns metrics that read from the sources when they are asked for.
func New(s Sources) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dynsvc_decisions_total", Help: "Changes of a count, by the rule that made them and whether they were applied.",
		}, []string{"kind", "applied"}),
	}
	build := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "dynsvc_build_info", Help: "Always 1; the label is the version of the agent.",
		ConstLabels: prometheus.Labels{"version": s.Version},
	}, func() float64 { return 1 })
	m.registry.MustRegister(build, m.decisions, &parts{s},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if s.Totals != nil {
		m.registry.MustRegister(&services{s.Totals})
	}
	return m
}

// Decided counts a decision.
func (m *Metrics) Decided(d service.Decision) {
	applied := "false"
	if d.Outcome == "applied" {
		applied = "true"
	}
	m.decisions.WithLabelValues(string(d.Kind), applied).Inc()
}

// Handler serves the metrics as text for Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// parts collects what there is once.
type parts struct{ Sources }

var (
	leafDesc    = prometheus.NewDesc("dynsvc_mesh_certificate_expiry_timestamp_seconds", "When the gateway's certificate in the mesh runs out; 0: it has none.", nil, nil)
	jobsDesc    = prometheus.NewDesc("dynsvc_jobs", "Call jobs that are kept, by state.", []string{"state"}, nil)
	droppedDesc = prometheus.NewDesc("dynsvc_access_log_dropped_total", "Lines of the access log that were lost because its file is too slow or full.", nil, nil)
)

func (p *parts) Describe(to chan<- *prometheus.Desc) {
	to <- leafDesc
	to <- jobsDesc
	to <- droppedDesc
}

// jobsTimeout bounds the one look at the database that a scrape takes.
const jobsTimeout = 2 * time.Second

func (p *parts) Collect(to chan<- prometheus.Metric) {
	if p.LeafExpiry != nil {
		at := 0.0
		if expires := p.LeafExpiry(); !expires.IsZero() {
			at = float64(expires.Unix())
		}
		to <- prometheus.MustNewConstMetric(leafDesc, prometheus.GaugeValue, at)
	}
	if p.Jobs != nil {
		ctx, cancel := context.WithTimeout(context.Background(), jobsTimeout)
		defer cancel()
		states, err := p.Jobs(ctx)
		if err != nil {
			to <- prometheus.NewInvalidMetric(jobsDesc, err)
		}
		for state, n := range states {
			to <- prometheus.MustNewConstMetric(jobsDesc, prometheus.GaugeValue, float64(n), state)
		}
	}
	if p.Dropped != nil {
		to <- prometheus.MustNewConstMetric(droppedDesc, prometheus.CounterValue, float64(p.Dropped()))
	}
}
