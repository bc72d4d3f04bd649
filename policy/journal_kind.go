package policy

import (
	"encoding/binary"
	"hash/maphash"

	"postern/directory"
)

// kind stands for what an event shares with its repeats: all but its time, and
// the minute. It is two hashes with keys of this process, 128 bits together: of
// 262 144 kinds no two have one with a probability of 1 - 2^-93, and who could
// choose what he sends knows neither key nor hash. So a repeat is told without
// the event it repeats, and without the memory that this takes.
type kind [2]uint64

// packRoom is what an event packed takes in most cases.
const packRoom = 320

// kindOf is the kind of an event that was packed, of that minute.
func (j *Journal) kindOf(packed []byte, minute int64) kind {
	b := binary.LittleEndian.AppendUint64(packed, uint64(minute))
	return kind{maphash.Bytes(j.seeds[0], b), maphash.Bytes(j.seeds[1], b)}
}

// commonOf is what an event and its repeats have in common, but for the minute.
func commonOf(ev *directory.Event) [15]*string {
	return [...]*string{
		(*string)(&ev.Kind), &ev.AccountID, &ev.Login, &ev.Unknown, &ev.Outcome, &ev.Reason, &ev.Service, &ev.Protocol,
		&ev.Method, &ev.Client, &ev.Source, &ev.Reported, &ev.Credential, &ev.Actor, &ev.Detail,
	}
}

// pack appends the fields of ev to b, each behind its length: two events pack
// alike where all fields are equal, and only there.
func pack(b []byte, ev *directory.Event) []byte {
	for _, field := range commonOf(ev) {
		b = append(binary.AppendUvarint(b, uint64(len(*field))), *field...)
	}
	return b
}

// unpack sets the fields of ev to what was packed; they are parts of it.
func unpack(ev *directory.Event, packed string) {
	for _, field := range commonOf(ev) {
		n, rest := unpackLength(packed)
		*field, packed = rest[:n], rest[n:]
	}
}

// unpackLength takes a length off packed, in groups of seven bits, lowest first.
func unpackLength(packed string) (n uint64, rest string) {
	for i := 0; ; i++ {
		n |= uint64(packed[i]&0x7f) << (7 * i)
		if packed[i] < 0x80 {
			return n, packed[i+1:]
		}
	}
}
