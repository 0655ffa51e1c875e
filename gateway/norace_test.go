//go:build !race

package gateway

// raceDetector says that this test was built with it.
const raceDetector = false
