package scheduler

// Tick is one look at everything, for the benchmark.
var Tick = (*Engine).tick
