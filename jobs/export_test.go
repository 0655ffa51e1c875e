package jobs

// Reach has f called at each step between two of which a process can die.
func (q *Queue) Reach(f func(point string)) { q.reached = f }

// What the tests of the parts look into.
var (
	Permit      = permit
	StreamReply = streamReply
	ParseReply  = parseReply
	Backoff     = backoff
)

// Of a reply.
func (r reply) Parts() (result []byte, fault string) {
	if r.fault != nil {
		return nil, r.fault.Message
	}
	return r.result, ""
}
