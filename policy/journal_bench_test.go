package policy

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"postern/directory"
)

// void is a Sink that takes everything and keeps nothing.
type void struct{}

func (void) AppendEvents(context.Context, []directory.Event) error   { return nil }
func (void) RecountEvents(context.Context, []Recount) ([]int, error) { return nil, nil }
func (void) TouchAppPasswords(context.Context, []Use) error          { return nil }

// accepted are attempts with that many credentials from a few clients. As in a
// server, no two have their strings at one place in memory.
func accepted(credentials int) []directory.Event {
	events := make([]directory.Event, credentials)
	for i := range events {
		events[i] = directory.Event{
			Count: 1, Kind: directory.EventSignIn, AccountID: benchID(2, i), Login: fmt.Sprintf("user%07d", i),
			Outcome: "accept", Reason: string(ReasonAppPassword), Service: "vpn", Protocol: "radius", Method: "pap",
			Client: "vpn", Source: fmt.Sprintf("192.0.2.%d", i%4), Credential: benchID(1, i),
		}
	}
	rand.Shuffle(len(events), func(i, k int) { events[i], events[k] = events[k], events[i] })
	return events
}

func benchID(kind, i int) string {
	return fmt.Sprintf("%08x-0000-7000-8000-%012x", i*2654435761%(1<<32), kind<<40+i)
}

// journalise records one accepted attempt as the engine does, its strings new.
func journalise(j *Journal, ev directory.Event, now time.Time) {
	ev.At = now.UTC().Truncate(time.Millisecond)
	ev.LastAt = ev.At
	ev.Credential, ev.AccountID, ev.Source = strings.Clone(ev.Credential), strings.Clone(ev.AccountID), strings.Clone(ev.Source)
	recordUse(j, ev, Use{Credential: ev.Credential, At: now, From: ev.Source, Service: ev.Service})
}

// BenchmarkJournal is what an accepted attempt costs by its event and its use,
// from many goroutines: with credentials that are used several times a minute,
// and with such as are used once.
func BenchmarkJournal(b *testing.B) {
	for name, credentials := range map[string]int{"few": 30_000, "many": 1_000_000} {
		b.Run(name, func(b *testing.B) {
			events := accepted(credentials)
			j := NewJournal(void{}, slog.New(slog.DiscardHandler))
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for i := rand.IntN(len(events)); pb.Next(); i = (i + 1) % len(events) {
					journalise(j, events[i], time.Now())
				}
			})
			b.StopTimer()
			if err := j.Close(context.Background()); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkHeldUses is what a use costs in memory until it is written, with the
// most that are held, and every string its own.
func BenchmarkHeldUses(b *testing.B) {
	for b.Loop() {
		j := NewJournal(void{}, slog.New(slog.DiscardHandler))
		j.writing <- struct{}{} // nobody writes
		before := heap()
		for i := range usesHeld {
			j.Used(Use{Credential: benchID(1, i), At: time.Now(), From: fmt.Sprintf("192.0.2.%d", i%256), Service: "vpn"})
		}
		b.ReportMetric(float64(heap()-before)/usesHeld, "B/use")
		<-j.writing
		if err := j.Close(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHeldEvents is what an event costs in memory: until it is written, and
// from then to the end of its minute, with the most that are held of each and
// every string its own.
func BenchmarkHeldEvents(b *testing.B) {
	now := time.Now()
	for name, most := range map[string]int{"fresh": eventsFresh, "written": eventsHeld} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				j := NewJournal(void{}, slog.New(slog.DiscardHandler))
				j.writing <- struct{}{} // nobody else writes
				before := heap()
				for i := range most {
					j.Record(heldEvent(i, now))
					if most == eventsHeld && i%eventsAtOnce == eventsAtOnce-1 {
						_, _ = j.writeEvents(b.Context())
					}
				}
				b.ReportMetric((float64(heap())-float64(before))/float64(j.held.n.Load()), "B/event")
				b.ReportMetric(float64(j.held.n.Load()), "held")
				<-j.writing
				if err := j.Close(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// heldEvent is one as BenchmarkJournal has them, with strings of its own.
func heldEvent(i int, at time.Time) directory.Event {
	return directory.Event{
		At: at, LastAt: at, Count: 1, Kind: directory.EventSignIn, AccountID: benchID(2, i), Login: fmt.Sprintf("user%07d", i),
		Outcome: "accept", Reason: string(ReasonAppPassword), Service: "vpn", Protocol: "radius", Method: "pap",
		Client: "vpn", Source: fmt.Sprintf("192.0.2.%d", i%4), Credential: benchID(1, i),
	}
}

// heap is how much of it is in use, in bytes.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
