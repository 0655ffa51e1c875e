package gateway

import (
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// w3c reads and writes traceparent, tracestate and baggage.
var w3c = propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})

// beginSpan begins the call's span, as a part of the caller's trace if it has one.
func (c *call) beginSpan() {
	if c.g.opts.Tracer == nil {
		return
	}
	ctx := w3c.Extract(c.in.Context(), propagation.HeaderCarrier(c.in.Header))
	ctx, c.span = c.g.opts.Tracer.Start(ctx, "call", trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(c.began))
	c.in = c.in.WithContext(ctx)
}

// beginWait begins a span of its own for the time until the call has an instance.
func (c *call) beginWait() (end func(error)) {
	if c.span == nil {
		return func(error) {}
	}
	_, span := c.g.opts.Tracer.Start(c.in.Context(), "wait for an instance")
	return func(err error) {
		if cold := c.lease.cold; cold != nil {
			span.SetAttributes(attribute.Int64("dynsvc.cold.place_ms", cold.place.Milliseconds()),
				attribute.Int64("dynsvc.cold.start_ms", cold.start.Milliseconds()), attribute.Int64("dynsvc.cold.ready_ms", cold.ready.Milliseconds()))
		}
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
}

// propagate makes what the service does a part of the call's span.
func (c *call) propagate(h http.Header) {
	if c.span != nil {
		w3c.Inject(c.in.Context(), propagation.HeaderCarrier(h))
	}
}

// endSpan says in the span how the call went.
func (c *call) endSpan(o *outcome) {
	if c.span == nil {
		return
	}
	if c.to != nil {
		v := c.to.version
		name := v.Module
		if c.method.Name != "" {
			name += "." + c.method.Name
			c.span.SetAttributes(attribute.String("rpc.system", "jsonrpc"), attribute.String("rpc.method", c.method.Name))
		}
		c.span.SetName(name)
		c.span.SetAttributes(attribute.String("dynsvc.module", v.Module), attribute.String("dynsvc.version", v.Version), attribute.String("dynsvc.service", string(v.ID)))
	}
	c.span.SetAttributes(attribute.String("http.request.method", c.in.Method), attribute.Int("http.response.status_code", o.status),
		attribute.String("dynsvc.request_id", c.requestID), attribute.Bool("dynsvc.cold", o.cold))
	if c.alloc != "" {
		c.span.SetAttributes(attribute.String("dynsvc.alloc", c.alloc))
	}
	if o.ill {
		c.span.SetAttributes(attribute.String("dynsvc.ending", o.ending.String()))
	}
	if o.status >= 500 {
		c.span.SetStatus(codes.Error, o.ending.String())
	}
	c.span.End()
}
