package portal

import (
	"net/http"
	"strconv"
	"time"

	"postern/account"
)

// legacySince is how far back the report of main passwords looks.
const legacySince = 30 * 24 * time.Hour

type legacyView struct {
	Uses        []account.LegacyUse
	Days        int
	First, Next string
}

func (legacyView) frame() (title, nav, width string) { return "admin.legacy", "admin", "wide" }

// adminLegacy shows who still sends the main password at legacy clients, and
// for whom it would stop working if MFA were demanded now.
func (p *Portal) adminLegacy(w http.ResponseWriter, r *http.Request, _ *visitor) {
	from, err := strconv.Atoi(r.URL.Query().Get("from"))
	if err != nil || from < 0 {
		from = 0
	}
	uses, more, err := p.Accounts.LegacyReportPart(r.Context(), p.Primary, p.Now().Add(-legacySince), from, adminRows)
	if err != nil {
		p.failed(w, r, err)
		return
	}
	view := legacyView{Uses: uses, Days: int(legacySince / (24 * time.Hour))}
	if from > 0 {
		view.First = "/admin/legacy"
	}
	if more {
		view.Next = "/admin/legacy?from=" + strconv.Itoa(from+adminRows)
	}
	p.show(w, r, http.StatusOK, "adminlegacy", view)
}
