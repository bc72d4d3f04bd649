package ber

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"
)

// unhex reads hexadecimal with spaces.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestHeaderReadsEveryDefiniteLength(t *testing.T) {
	for _, c := range []struct {
		in           string
		tag          Tag
		size, length int
		err          error
	}{
		{"04 00", OctetString, 2, 0, nil},
		{"04 7f", OctetString, 2, 127, nil},         // X.690 §8.1.3.4
		{"30 81 c9", Sequence, 3, 201, nil},         // X.690 §8.1.3.5, its example
		{"30 84 00 00 00 0c", Sequence, 6, 12, nil}, // as Windows sends
		{"30 82 01 00", Sequence, 4, 256, nil},
		{"30 84 7f ff ff ff", Sequence, 6, math.MaxInt32, nil},
		{"30 84 80 00 00 00", 0, 0, 0, ErrLength},
		{"30 85 00 00 00 00 01", 0, 0, 0, ErrLength},
		{"30 ff", 0, 0, 0, ErrLength}, // X.690 §8.1.3.5 c: reserved
		{"30 80", 0, 0, 0, ErrIndefinite},
		{"1f 81 00", 0, 0, 0, ErrTag},
		{"bf", 0, 0, 0, ErrTag},
		{"", 0, 0, 0, ErrTruncated},
		{"30", 0, 0, 0, ErrTruncated},
		{"30 82 01", 0, 0, 0, ErrTruncated},
	} {
		tag, size, length, err := Header(unhex(t, c.in))
		if !errors.Is(err, c.err) {
			t.Errorf("%s: the error is %v, want %v", c.in, err, c.err)
			continue
		}
		if err == nil && (tag != c.tag || size != c.size || length != c.length) {
			t.Errorf("%s: tag %#x, size %d, length %d; want %#x, %d, %d", c.in, tag, size, length, c.tag, c.size, c.length)
		}
	}
}

func TestIntegersNeedNotBeMinimal(t *testing.T) {
	for _, c := range []struct {
		in   string
		want int32
		err  error
	}{
		{"02 01 00", 0, nil},
		{"02 01 7f", 127, nil},
		{"02 02 00 80", 128, nil},
		{"02 01 80", -128, nil},
		{"02 01 ff", -1, nil},
		{"02 04 00 00 00 05", 5, nil}, // superfluous leading octets, four in all
		{"02 04 7f ff ff ff", math.MaxInt32, nil},
		{"02 04 80 00 00 00", math.MinInt32, nil},
		{"02 05 00 00 00 00 05", 0, ErrInteger},
		{"02 00", 0, ErrInteger},
		{"0a 01 00", 0, ErrUnexpected},
		{"02 02 01", 0, ErrTruncated},
		{"", 0, ErrUnexpected},
	} {
		r := NewReader(unhex(t, c.in))
		got, err := r.Int(Integer)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %d, %v; want %d, %v", c.in, got, err, c.want, c.err)
		}
	}
}

func TestBooleansAreOneOctet(t *testing.T) {
	for _, c := range []struct {
		in   string
		want bool
		err  error
	}{
		{"01 01 00", false, nil},
		{"01 01 ff", true, nil},
		{"01 01 01", true, nil}, // RFC 4511 §5.1 wants ff; old clients send others
		{"01 00", false, ErrBoolean},
		{"01 02 00 ff", false, ErrBoolean},
		{"02 01 ff", false, ErrUnexpected},
	} {
		r := NewReader(unhex(t, c.in))
		got, err := r.Bool(Boolean)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %v, %v; want %v, %v", c.in, got, err, c.want, c.err)
		}
	}
}

func TestAReaderKeepsToItsContent(t *testing.T) {
	r := NewReader(unhex(t, "30 03 04 01 61 04 01 62"))
	in, err := r.Sub(Sequence)
	if err != nil {
		t.Fatal(err)
	}
	a, err := in.Read(OctetString)
	if err != nil || string(a) != "a" || !in.Empty() || in.Peek() != 0 {
		t.Fatalf("inside: %q, %v, empty %v, next %#x", a, err, in.Empty(), in.Peek())
	}
	if a = append(a, 'x'); r.Peek() != OctetString {
		t.Errorf("appending to what was read changed what follows: next is %#x (%q)", r.Peek(), a)
	}
	tag, raw, err := r.Raw()
	if err != nil || tag != OctetString || !bytes.Equal(raw, unhex(t, "04 01 62")) {
		t.Errorf("the rest is %#x %x, %v", tag, raw, err)
	}
}

func TestAReaderStaysWhereItFailed(t *testing.T) {
	r := NewReader(unhex(t, "04 01 61"))
	if _, err := r.Read(Sequence); !errors.Is(err, ErrUnexpected) {
		t.Fatalf("the error is %v, want ErrUnexpected", err)
	}
	if got, err := r.Read(OctetString); err != nil || string(got) != "a" {
		t.Errorf("after it: %q, %v", got, err)
	}
}

func TestCheckWalksWithoutRecursion(t *testing.T) {
	nested := func(depth int) []byte {
		var b []byte
		for range depth {
			b = append(AppendHeader(nil, Sequence, len(b)), b...)
		}
		return b
	}
	for _, c := range []struct {
		name string
		in   []byte
		most int
		want error
	}{
		{"nothing", nil, 0, nil},
		{"as deep as may be", nested(MaxDepth), MaxDepth, nil},
		{"one deeper", nested(MaxDepth + 1), 1000, ErrTooDeep},
		{"a million deep", bytes.Repeat([]byte{0x30, 0x80}, 1<<20), 1 << 30, ErrIndefinite},
		{"as many as may be", bytes.Repeat([]byte{4, 0}, 10), 10, nil},
		{"one more", bytes.Repeat([]byte{4, 0}, 11), 10, ErrTooMany},
		{"an element beyond its surroundings", unhex(t, "30 03 04 02 61"), 10, ErrTruncated},
		{"one beyond its own, within the whole", unhex(t, "30 03 04 02 61 04 00"), 10, ErrTruncated},
		{"a header cut by its surroundings", unhex(t, "30 01 04 00"), 10, ErrTruncated},
		{"several side by side", unhex(t, "30 00 30 02 04 00 31 00"), 10, nil},
	} {
		if err := Check(c.in, c.most); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestWhatIsAppendedIsReadBack(t *testing.T) {
	for _, n := range []int32{0, 1, -1, 127, 128, -128, -129, 255, 256, 32767, 32768, -32768, -32769, 1 << 23, -1 << 23, math.MaxInt32, math.MinInt32} {
		b := AppendInt(nil, Enumerated, n)
		r := NewReader(b)
		if got, err := r.Int(Enumerated); err != nil || got != n || !r.Empty() {
			t.Errorf("%d became %x and then %d, %v", n, b, got, err)
		}
		if len(b) > 3 && (b[2] == 0 && b[3] < 0x80 || b[2] == 0xff && b[3] >= 0x80) {
			t.Errorf("%d is written as %x, which is not the shortest", n, b)
		}
	}
	for _, v := range []bool{true, false} {
		r := NewReader(AppendBool(nil, Boolean, v))
		if got, err := r.Bool(Boolean); got != v || err != nil {
			t.Errorf("%v became %v, %v", v, got, err)
		}
	}
}

func TestBeginAndEndWriteTheShortestLength(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 255, 256, 65535, 65536, 1 << 24} {
		content := bytes.Repeat([]byte{'x'}, n)
		b, mark := Begin([]byte("before"), Sequence)
		b = append(b, content...)
		b = End(b, mark)
		want := append(AppendHeader([]byte("before"), Sequence, n), content...)
		if !bytes.Equal(b, want) {
			t.Errorf("%d octets: the header is %x, want %x", n, b[6:min(len(b), 14)], want[6:min(len(want), 14)])
		}
	}
}

func TestReadingAndWritingAllocateNothing(t *testing.T) {
	frame := unhex(t, "30 0c 02 01 01 60 07 02 01 03 04 00 80 00")
	out := make([]byte, 0, 256)
	allocs := testing.AllocsPerRun(100, func() {
		if Check(frame, 100) != nil {
			t.Error("the frame is in order and was refused")
		}
		r := NewReader(frame)
		in, _ := r.Sub(Sequence)
		_, _ = in.Int(Integer)
		b, mark := Begin(out, Sequence)
		End(AppendInt(b, Integer, 70000), mark)
	})
	if allocs != 0 {
		t.Errorf("%v allocations, want none", allocs)
	}
}

// FuzzCheck shows that what Check lets pass can be read to the last element,
// and that reading never leaves the bytes it was given.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{
		"", "30 80", "30 80 30 80 30 80", "30 0c 02 01 01 60 07 02 01 03 04 00 80 00",
		"30 84 00 00 00 02 04 00", "30 84 7f ff ff ff", "a0 02 a0 00", "30 03 04 02 61", "1f ff",
	} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		const most = 1000
		err := Check(b, most)
		elements, walkErr := walk(NewReader(b), 0)
		if err == nil && (walkErr != nil || elements > most) {
			t.Errorf("Check passed %x; reading it came to %d elements and %v", b, elements, walkErr)
		}
		if err != nil && walkErr == nil && elements <= most {
			t.Errorf("Check refused %x with %v, and it can be read", b, err)
		}
	})
}

// walk reads all elements, and those within, down to MaxDepth.
func walk(r Reader, depth int) (elements int, err error) {
	for !r.Empty() {
		tag, content, err := r.Next()
		if err != nil {
			return elements, err
		}
		if elements++; !tag.Constructed() {
			continue
		}
		if depth == MaxDepth {
			return elements, ErrTooDeep
		}
		within, err := walk(NewReader(content), depth+1)
		if elements += within; err != nil {
			return elements, err
		}
	}
	return elements, nil
}
