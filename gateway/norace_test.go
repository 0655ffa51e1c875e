//go:build !race

package gateway

// raceDetector says that this test was built with it.
const raceDetector = false

// RaceDetector says so to the tests outside.
const RaceDetector = raceDetector
