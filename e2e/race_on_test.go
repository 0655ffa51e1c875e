//go:build e2e && race

package e2e

// raceDetector says whether the tests, and so the program under test, are built
// with the race detector.
const raceDetector = true
