package ldapsrv

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// frames returns all frames of in, read through r, and the error at the end.
func frames(in *inbox, r io.Reader, limit int) (got [][]byte, err error) {
	for {
		frame, ok, err := in.frame(limit)
		switch {
		case err != nil:
			return got, err
		case ok:
			got = append(got, bytes.Clone(frame))
			continue
		}
		if err := in.fill(r); err != nil {
			return got, err
		}
	}
}

func TestFramesAreTheSameInWhateverPieces(t *testing.T) {
	want := [][]byte{
		whoAmIMessage(1),
		bindMessage(2, annName, string(make([]byte, 9000))), // more than the inbox holds at first
		{0x30, 0x84, 0, 0, 0, 2, 4, 0},
		unbindMessage(3),
	}
	for name, r := range map[string]func(io.Reader) io.Reader{
		"at once":      func(r io.Reader) io.Reader { return r },
		"byte by byte": iotest.OneByteReader,
		"in halves":    iotest.HalfReader,
		"with the end": iotest.DataErrReader,
	} {
		var in inbox
		got, err := frames(&in, r(bytes.NewReader(bytes.Join(want, nil))), 16<<10)
		if !errors.Is(err, io.EOF) || len(got) != len(want) || !in.empty() {
			t.Errorf("%s: %d frames, %v; want %d and the end", name, len(got), err, len(want))
			continue
		}
		for i := range want {
			if !bytes.Equal(got[i], want[i]) {
				t.Errorf("%s: frame %d is %x, want %x", name, i, got[i], want[i])
			}
		}
	}
}

func TestAnInboxGrowsWithWhatCameAndShrinksAgain(t *testing.T) {
	const limit = 256 << 10
	var in inbox
	claim := []byte{0x30, 0x83, 0x03, 0xff, 0xfb} // the largest frame there may be
	frame := append(claim, make([]byte, limit-len(claim))...)
	for sent := 0; sent < len(frame); {
		if _, ok, err := in.frame(limit); ok || err != nil {
			t.Fatalf("after %d bytes: %v, %v", sent, ok, err)
		}
		n := min(1000, len(frame)-sent)
		for r := bytes.NewReader(frame[sent : sent+n]); r.Len() > 0; {
			if err := in.fill(r); err != nil {
				t.Fatal(err)
			}
		}
		if sent += n; len(in.buf) > max(inboxSize, 2*sent) {
			t.Fatalf("%d bytes came and %d are held", sent, len(in.buf))
		}
	}
	if got, ok, err := in.frame(limit); !ok || err != nil || !bytes.Equal(got, frame) {
		t.Fatalf("the whole of it: %d bytes, %v, %v", len(got), ok, err)
	}
	if err := in.fill(bytes.NewReader([]byte{0x30})); err != nil || len(in.buf) != inboxSize {
		t.Errorf("when it is empty, %d bytes are held, %v; want %d", len(in.buf), err, inboxSize)
	}
}

func TestAReaderThatGivesNothingIsAnError(t *testing.T) {
	var in inbox
	silent := readerFunc(func([]byte) (int, error) { return 0, nil })
	if err := in.fill(silent); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("the error is %v", err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }
