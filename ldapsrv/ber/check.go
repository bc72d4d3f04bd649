package ber

// MaxDepth is how deep elements may be nested for Check.
const MaxDepth = 64

// Check walks all the elements that b consists of, whatever their tags, and
// the elements within constructed ones. It returns nil if every length keeps
// within its surroundings, nothing is nested deeper than MaxDepth, and there
// are no more than most elements. It neither recurses nor allocates, so that
// hostile bytes can be walked.
func Check(b []byte, most int) error {
	var ends [MaxDepth + 1]int
	ends[0] = len(b)
	for at, depth := 0, 0; ; {
		for at == ends[depth] {
			if depth == 0 {
				return nil
			}
			depth--
		}
		tag, size, length, err := Header(b[at:ends[depth]])
		if err != nil {
			return err
		}
		if at += size; length > ends[depth]-at {
			return ErrTruncated
		}
		if most--; most < 0 {
			return ErrTooMany
		}
		if !tag.Constructed() {
			at += length
			continue
		}
		if depth++; depth > MaxDepth {
			return ErrTooDeep
		}
		ends[depth] = at + length
	}
}
