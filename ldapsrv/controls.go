package ldapsrv

import (
	"postern/ldapsrv/wire"
)

// offered are the controls that searches know, as the root DSE lists them.
var offered = []string{wire.OIDManageDsaIT, wire.OIDPaged, wire.OIDSort, wire.OIDSubentries}

// readControls takes the controls of a search.
func (run *searchRun) readControls() wire.Result {
	run.limit = run.conf.Search.Entries
	if asked := int(run.query.SizeLimit); asked > 0 && asked < run.limit {
		run.limit = asked
	}
	seen := map[string]bool{}
	for _, c := range run.request.Controls {
		name := string(c.Type)
		if seen[name] {
			return wire.Result{Code: wire.ProtocolError, Text: "a control is there twice"}
		}
		seen[name] = true
		var result wire.Result
		switch name {
		case wire.OIDPaged:
			result = run.readPagedControl(c)
		case wire.OIDSort:
			result = run.readSortControl(c)
		}
		if result.Code != wire.Success {
			return result
		}
	}
	return wire.Result{}
}

func (run *searchRun) readPagedControl(c wire.Control) wire.Result {
	size, cookie, ok := readPaged(c.Value)
	switch {
	case !ok:
		return wire.Result{Code: wire.ProtocolError, Text: "the paged results control cannot be decoded"}
	case run.cookies == nil:
		return wire.Result{Code: wire.UnwillingToPerform, Text: "paged results are not offered"}
	}
	if limit := int(run.query.SizeLimit); limit > 0 && size >= limit && len(cookie) == 0 {
		return wire.Result{} // one page holds all there may be (RFC 2696 §3)
	}
	run.page = &page{size: size, id: string(cookie)}
	return wire.Result{}
}

// readSortControl takes a sort. With a key that cannot be sorted by, a
// critical one ends the search, and another leaves the entries unsorted (RFC
// 2891 §2).
func (run *searchRun) readSortControl(c wire.Control) wire.Result {
	keys, code, ok := readSort(c.Value)
	if !ok {
		return wire.Result{Code: wire.ProtocolError, Text: "the sort control cannot be decoded"}
	}
	run.sorting = &sorting{keys: keys, critical: c.Critical, value: c.Value, code: code}
	if code == wire.Success {
		return wire.Result{}
	}
	if c.Critical {
		return wire.Result{Code: wire.UnavailableCriticalExtension, Text: "the entries cannot be sorted by that"}
	}
	run.sorting.keys = nil
	return wire.Result{}
}
