package scheduler

// Tick is one look at everything, for the benchmark.
var Tick = (*Engine).tick

// Recall is what an engine does once when it starts.
var Recall = (*Engine).recall
