package radiussrv

import "sync"

// outgoing is where a member keeps the replies to quick requests, to send some
// of them together: as long as there is another request to work on at once.
type outgoing struct {
	mu      sync.Mutex
	parcels []parcel
	shut    bool // the member is with a slow request
}

// together is how many replies are sent together at most.
const together = 16

// keep takes a reply to be sent soon. It reports false where it must be sent
// at once.
func (m *member) keep(p parcel) bool {
	if m == nil || m.crew.send == nil {
		return false
	}
	o := &m.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.shut {
		return false
	}
	if o.parcels = append(o.parcels, p); len(o.parcels) == together {
		o.empty(m.crew.send)
	}
	return true
}

// post sends what is kept. Unless open, nothing is kept until it is posted
// open again.
func (m *member) post(open bool) {
	o := &m.out
	o.mu.Lock()
	defer o.mu.Unlock()
	o.shut = !open
	if len(o.parcels) > 0 {
		o.empty(m.crew.send)
	}
}

func (o *outgoing) empty(send func([]parcel)) {
	send(o.parcels)
	clear(o.parcels) // a reply is not to be held longer than it is kept for
	o.parcels = o.parcels[:0]
}
