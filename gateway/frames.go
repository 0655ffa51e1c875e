package gateway

// frames follows one direction of a WebSocket (RFC 6455): which of its bytes are of
// messages, and which only keep the connection alive. It reads headers of frames and
// nothing else.
type frames struct {
	head    [14]byte // of the frame that begins, as far as it is here
	have    int
	left    uint64 // of the payload
	control bool   // the payload is a ping's, a pong's or a close's
}

// messages reports whether any of the next bytes are of a message.
func (f *frames) messages(p []byte) (any bool) {
	for len(p) > 0 {
		if f.left > 0 {
			n := min(f.left, uint64(len(p)))
			f.left -= n
			p = p[n:]
			any = any || !f.control
			continue
		}
		f.head[f.have] = p[0]
		f.have++
		p = p[1:]
		if f.have < 2 || f.have < f.size() {
			continue
		}
		f.control = f.head[0]&0x08 != 0
		f.left = f.length()
		f.have = 0
		any = any || !f.control
	}
	return any
}

// between reports whether a frame has ended and none has begun.
func (f *frames) between() bool { return f.have == 0 && f.left == 0 }

const (
	twoBytes   = 126 // in place of a length: two bytes follow that have it
	eightBytes = 127 // eight do
	maskSize   = 4
)

// size is how long the header is, of which two bytes are here.
func (f *frames) size() int {
	n := 2
	switch f.head[1] & 0x7f {
	case twoBytes:
		n += 2
	case eightBytes:
		n += 8
	}
	if f.head[1]&0x80 != 0 {
		n += maskSize
	}
	return n
}

func (f *frames) length() (n uint64) {
	var bytes []byte
	switch l := f.head[1] & 0x7f; l {
	case twoBytes:
		bytes = f.head[2:4]
	case eightBytes:
		bytes = f.head[2:10]
	default:
		return uint64(l)
	}
	for _, b := range bytes {
		n = n<<8 | uint64(b)
	}
	return n
}

// goingAway is a close frame of status 1001, as a server sends it.
var goingAway = []byte{0x88, 2, 1001 >> 8, 1001 & 0xff}
