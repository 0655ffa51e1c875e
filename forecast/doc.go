// Package forecast says how likely a service is called in the next minute, from
// when it was called before.
//
// It stands beside the policy: the scheduler (and the simulator, which is the
// same policy on a trace) tells a [Model] of each minute of each service whether
// there were calls, and asks for the hazard of the next one. What the hazard is
// worth, an instance or none, is not decided here.
//
// A service's past is a [History] of a fixed size. Seven experts look at it, each
// at one kind of evidence, and each says a probability:
//
//	alike   services whose last idle times were like these     (shared counts)
//	beat    how this idle time compares with the last two       (shared counts)
//	own     the service's own idle times that lasted this long  (its last 64)
//	hour    the same minute of the last hours                   (a bit a minute)
//	rhythm  calls that came as long after a call before         (its correlogram)
//	near    the service's idle times of about this length       (its last 64)
//	often   how often the service is called after an idle time  (its last 64)
//
// Where there is little to count, counts are shrunk towards those of more
// services (the mean of a beta posterior): own idle times after one like the
// last, towards all own ones, towards those of services called as often, towards
// everybody's. The experts' log-odds are added up with weights that all services
// share and that are learnt as calls come, by one step of gradient descent on the
// coding cost of each minute: logistic mixing, as in Mattern, "Mixing Strategies
// in Data Compression", DCC 2012, and in Mahoney's PAQ. The hazard is the average
// of this mix and of the experts, each weighed by how well it foretold the calls
// of the one service before: Bayes' rule, which finds the services whose calls
// come by chance, of which near and often say all that there is to say, as surely
// as those that a clock calls. The hazard as the thing
// to know comes from Shahrad et al., "Serverless in the Wild", ATC 2020, whose
// histogram of idle times is the expert own alone.
//
// Nothing is known at first, nothing is read ahead, and old counts fade, so a
// habit that changes is unlearnt. Minutes that nobody watched are not taken for
// minutes without calls: see [History.Lost].
package forecast
