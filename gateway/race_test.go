//go:build race

package gateway

// raceDetector says that this test was built with it. It bears few bubbles of
// synctest in one process: after many of them its own bookkeeping breaks down.
const raceDetector = true

// RaceDetector says so to the tests outside.
const RaceDetector = raceDetector
