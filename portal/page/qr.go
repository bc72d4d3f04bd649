package page

import (
	"fmt"
	"html/template"
	"strings"

	"rsc.io/qr"

	"postern/secret"
)

// QR is a QR code as a picture that scales. The zero QR shows nothing.
type QR struct {
	Size int // in modules, with the quiet zone
	Path string
}

// quiet is the white border in modules that readers need (ISO/IEC 18004).
const quiet = 4

// NewQR draws text, which may be a secret: the picture is as secret as it.
func NewQR(text secret.Text) (QR, error) {
	code, err := qr.Encode(text.Reveal(), qr.M)
	if err != nil {
		return QR{}, fmt.Errorf("drawing a QR code: %w", err)
	}
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			start := x
			for x < code.Size && code.Black(x, y) {
				x++
			}
			if x > start {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", start+quiet, y+quiet, x-start, x-start)
			}
		}
	}
	return QR{Size: code.Size + 2*quiet, Path: path.String()}, nil
}

// SVG is the picture with its description.
func (q QR) SVG(description string) template.HTML {
	if q.Size == 0 {
		return ""
	}
	return template.HTML(fmt.Sprintf(`<svg viewBox="0 0 %d %d" role="img" aria-label="%s" shape-rendering="crispEdges"><path d="%s"/></svg>`,
		q.Size, q.Size, template.HTMLEscapeString(description), q.Path))
}
