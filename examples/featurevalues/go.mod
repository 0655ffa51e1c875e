module github.com/dynsvc/dynsvc/examples/featurevalues

go 1.26.0

require (
	github.com/dynsvc/dynsvc v0.0.0-00010101000000-000000000000
	gonum.org/v1/gonum v0.17.0
)

replace github.com/dynsvc/dynsvc => ../..
