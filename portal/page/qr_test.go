package page

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"rsc.io/qr"

	"postern/secret"
)

// TestThePictureIsTheCode: every module of the code and no other is drawn, with
// the border that readers need.
func TestThePictureIsTheCode(t *testing.T) {
	const text = "otpauth://totp/Postern:ann?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Postern"
	picture, err := NewQR(secret.NewText(text))
	if err != nil {
		t.Fatal(err)
	}
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	drawn := map[[2]int]bool{}
	for _, bar := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`).FindAllString(picture.Path, -1) {
		var x, y, long, back int
		if _, err := fmt.Sscanf(bar, "M%d %dh%dv1h-%dz", &x, &y, &long, &back); err != nil || long != back {
			t.Fatalf("%s: %v", bar, err)
		}
		for i := range long {
			drawn[[2]int{x + i, y}] = true
		}
	}
	for y := range picture.Size {
		for x := range picture.Size {
			if black := code.Black(x-quiet, y-quiet); drawn[[2]int{x, y}] != black {
				t.Fatalf("module %d, %d is black: %v", x, y, black)
			}
		}
	}
	if picture.Size != code.Size+8 || len(drawn) < 100 {
		t.Errorf("%d modules wide, %d drawn", picture.Size, len(drawn))
	}
	if svg := string(picture.SVG(`a "code" <here>`)); !strings.Contains(svg, `aria-label="a &#34;code&#34; &lt;here&gt;"`) {
		t.Errorf("the description is not escaped: %.200s", svg)
	}
	if (QR{}).SVG("x") != "" {
		t.Error("the zero QR shows something")
	}
}
