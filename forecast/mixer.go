package forecast

// weights of the experts' log-odds, and a constant.
type weights [experts + 1]float64

// mixer adds up what the experts say. The weight of an expert is the sum of
// three: for how long the service has been idle, for how much was seen of it, and
// for how many of its last idle times came in this order before.
type mixer struct {
	ByAge   [steps]weights
	BySeen  [steps]weights
	ByMatch [matched + 1]weights
}

// pace is the step of the gradient descent.
const pace = 0.001

// init makes the mixer say the mean of what the experts say.
func (m *mixer) init() {
	var w weights
	for i := range experts {
		w[i] = 1.0 / 3 / experts
	}
	for i := range m.ByAge {
		m.ByAge[i], m.BySeen[i] = w, w
	}
	for i := range m.ByMatch {
		m.ByMatch[i] = w
	}
}

func (m *mixer) sets(q *prediction) (a, b, c *weights) {
	return &m.ByAge[q.byAge], &m.BySeen[q.bySeen], &m.ByMatch[q.byMatch]
}

// mix returns log-odds.
func (m *mixer) mix(q *prediction) float64 {
	a, b, c := m.sets(q)
	x := 0.0
	for i, s := range q.said {
		x += (a[i] + b[i] + c[i]) * s
	}
	return x
}

// learn moves the weights against the gradient of the coding cost of what
// happened, -log p.
func (m *mixer) learn(q *prediction, called bool) {
	step := -q.of[mixed] * pace
	if called {
		step += pace
	}
	a, b, c := m.sets(q)
	for i, s := range q.said {
		d := step * s
		a[i] += d
		b[i] += d
		c[i] += d
	}
}
