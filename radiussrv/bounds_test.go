package radiussrv

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"postern/secret"
)

// numbered is a packet that differs from those of other numbers.
func numbered(n int) []byte {
	packet := make([]byte, headerLen)
	packet[0], packet[1] = 1, byte(n)
	packet[4], packet[5], packet[6] = byte(n>>16), byte(n>>8), byte(n)
	return packet
}

func port(n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, byte(n >> 16), 1}), uint16(n))
}

// begin asks about packet n, which must have the standing want.
func begin(t *testing.T, d *duplicates, s *share, n int, want standing) *entry {
	t.Helper()
	got, e, _ := d.begin(s, port(n), numbered(n), time.Now())
	if got != want {
		t.Fatalf("packet %d has standing %d, want %d", n, got, want)
	}
	return e
}

func TestTheDuplicateCacheIsBoundedAndKeepsWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 1000
		d := newDuplicates(limit, 10*time.Second)
		s := d.divide([]string{"only"})["only"]
		var flying []*entry
		for n := range limit / 2 {
			flying = append(flying, begin(t, d, s, n, fresh))
		}
		for n := limit / 2; n < 10*limit; n++ {
			d.finish(begin(t, d, s, n, fresh), []byte{2}, time.Now())
		}
		if s.count != limit || len(d.slots) != limit {
			t.Errorf("%d entries counted and %d there, want %d", s.count, len(d.slots), limit)
		}
		begin(t, d, s, 0, inFlight)
		begin(t, d, s, 10*limit-limit/2, repeated) // the oldest answer that fits
		for n := 10 * limit; n < 10*limit+limit/2; n++ {
			flying = append(flying, begin(t, d, s, n, fresh))
		}
		begin(t, d, s, 20*limit, crowded)
		for _, e := range flying {
			d.forget(e)
		}
		if s.count != 0 || len(d.slots) != 0 || d.answered != 0 {
			t.Errorf("%d entries counted, %d there, %d answered; want none", s.count, len(d.slots), d.answered)
		}
	})
}

func TestTheDuplicateCacheEmptiesItselfWhenNobodyAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDuplicates(1000, 10*time.Second)
		s := d.divide([]string{"only"})["only"]
		for n := range 500 {
			d.finish(begin(t, d, s, n, fresh), []byte{2}, time.Now())
			time.Sleep(10 * time.Millisecond)
		}
		begin(t, d, s, 499, repeated)
		time.Sleep(13 * time.Second)
		synctest.Wait()
		if len(d.slots) != 0 || s.count != 0 || d.sweeping {
			t.Errorf("%d entries left, %d counted, sweeping %v", len(d.slots), s.count, d.sweeping)
		}
	})
}

func TestAnswersOfAClientThatIsGoneAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDuplicates(1000, 10*time.Second)
		old := d.divide([]string{"old"})["old"]
		answered, flying := begin(t, d, old, 1, fresh), begin(t, d, old, 2, fresh)
		d.finish(answered, []byte{2}, time.Now())
		d.divide([]string{"new"})
		d.finish(flying, []byte{2}, time.Now())
		if len(d.slots) != 0 || d.answered != 0 {
			t.Errorf("%d entries left, %d answered", len(d.slots), d.answered)
		}
	})
}

func TestWhatWasReplacedLeavesItsSuccessorAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDuplicates(1000, 10*time.Second)
		s := d.divide([]string{"only"})["only"]
		replace := func() (older, newer *entry) {
			older = begin(t, d, s, 7, fresh)
			other := numbered(7)
			other[19] = 1
			known, newer, _ := d.begin(s, port(7), other, time.Now())
			if known != fresh {
				t.Fatalf("the successor has standing %d", known)
			}
			return older, newer
		}
		for name, end := range map[string]func(*entry){
			"finished":  func(e *entry) { d.finish(e, []byte{2}, time.Now()) },
			"forgotten": d.forget,
		} {
			older, newer := replace()
			end(older)
			if d.slots[newer.key] != newer || s.count != 1 || d.answered != 0 {
				t.Errorf("%s: the successor is there: %v; %d counted, %d answered", name, d.slots[newer.key] == newer, s.count, d.answered)
			}
			d.forget(newer)
		}
	})
}

// TestWhatFindsNoRoomLeavesNothingOfWhatItReplaced: a port may be another client's
// after a reload.
func TestWhatFindsNoRoomLeavesNothingOfWhatItReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDuplicates(0, 10*time.Second)
		shares := d.divide([]string{"before", "after"})
		older := begin(t, d, shares["before"], minShare, fresh)
		for n := range minShare {
			begin(t, d, shares["after"], n, fresh)
		}
		other := numbered(minShare)
		other[19] = 1
		if known, _, _ := d.begin(shares["after"], port(minShare), other, time.Now()); known != crowded {
			t.Fatalf("it has standing %d", known)
		}
		d.finish(older, []byte{2}, time.Now())
		if len(d.slots) != minShare || shares["before"].count != 0 || d.answered != 0 {
			t.Errorf("%d entries there, %d counted, %d answered", len(d.slots), shares["before"].count, d.answered)
		}
	})
}

// BenchmarkDuplicates is what a request costs that takes the place of an older one
// from the same port, is answered, and comes once more.
func BenchmarkDuplicates(b *testing.B) {
	const ports = 64
	d := newDuplicates(1<<16, 10*time.Second)
	s := d.divide([]string{"only"})["only"]
	now, reply, packets := time.Now(), make([]byte, 38), make([][]byte, 256*ports)
	for n := range packets {
		packets[n] = append(numbered(n), make([]byte, 80)...)
		packets[n][1] = byte(n / ports)
	}
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		packet, from := packets[n%len(packets)], port(n%ports)
		packet[5]++ // of the Request Authenticator
		_, e, _ := d.begin(s, from, packet, now)
		d.finish(e, reply, now)
		if known, _, _ := d.begin(s, from, packet, now); known != repeated {
			b.Fatalf("it has standing %d", known)
		}
		n++
	}
}

func TestAnIPv4ClientIsFoundByItsMappedAddress(t *testing.T) {
	set, err := newClients([]Client{{
		Name: "nas", Address: netip.MustParsePrefix("192.0.2.0/24"), Secret: secret.NewText("sixteen letters!"), Methods: []Method{PAP},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{"192.0.2.9", "::ffff:192.0.2.9"} {
		if set.find(netip.MustParseAddr(from)) == nil {
			t.Errorf("%s is nobody's", from)
		}
	}
}

func TestEveryClientHasItsShareHoweverManyThereAre(t *testing.T) {
	d := newDuplicates(1000, 10*time.Second)
	names := make([]string, 100)
	for i := range names {
		names[i] = string(rune('a'+i%26)) + string(rune('a'+i/26))
	}
	for name, s := range d.divide(names) {
		if s.limit != minShare {
			t.Errorf("%s may keep %d, want %d", name, s.limit, minShare)
		}
	}
	if got := d.divide(names[:2])[names[0]].limit; got != 500 {
		t.Errorf("one of two may keep %d, want 500", got)
	}
}

func TestAWildcardSocketDoesNotGrowWithWhatItIsSent(t *testing.T) {
	s := &wildcardSocket{controls: make(map[string][]byte)}
	for n := range 10 * maxControls {
		s.control(numbered(n))
	}
	if len(s.controls) > maxControls {
		t.Errorf("%d control messages remembered, want %d at most", len(s.controls), maxControls)
	}
}

func TestTheSamplerWritesOneLineAnIntervalAndCountsTheRest(t *testing.T) {
	var s sampler
	at := time.Unix(1e9, 0)
	lines, omitted := 0, uint64(0)
	for range 3 * 625 {
		if n, ok := s.take(at); ok {
			lines++
			omitted += n
		}
		at = at.Add(sampleEvery / 625)
	}
	if lines != 3 || omitted != 2*624 {
		t.Errorf("%d lines with %d omitted, want 3 with 1248", lines, omitted)
	}
}
