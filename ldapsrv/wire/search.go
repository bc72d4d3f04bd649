package wire

import (
	"errors"

	"postern/ldapsrv/ber"
	"postern/ldapsrv/filter"
)

// Scope is how far below its base a search reaches (RFC 4511 §4.5.1.2).
type Scope int32

// The scopes.
const (
	BaseObject   Scope = 0
	SingleLevel  Scope = 1
	WholeSubtree Scope = 2
)

// SearchRequest is RFC 4511 §4.5.1.
type SearchRequest struct {
	Base       []byte
	Scope      Scope
	Aliases    int32 // derefAliases, 0 to 3
	SizeLimit  int32 // entries; 0: none
	TimeLimit  int32 // seconds; 0: none
	TypesOnly  bool
	Filter     filter.Filter
	RawFilter  []byte // the filter as it was sent
	Attributes [][]byte
	// RawAttributes is the attribute list as it was sent.
	RawAttributes []byte
}

func (*SearchRequest) request() {}

// maxAttributes bounds the attribute list of a search.
const maxAttributes = 1024

var errSearch = malformed("the search request cannot be decoded")

func (room *Room) decodeSearch(content []byte) (Request, error) {
	r := ber.NewReader(content)
	s := &room.search
	if err := s.decodeHead(&r); err != nil {
		return nil, err
	}
	_, element, err := r.Raw()
	if err != nil {
		return nil, errSearch
	}
	s.RawFilter = element
	if s.Filter, err = filter.DecodeInto(element, &room.leaf); err != nil {
		return nil, filterFault(err)
	}
	if s.RawAttributes, s.Attributes, err = decodeSelection(&r, room.names[:0]); err != nil {
		return nil, err
	}
	return s, nil
}

func filterFault(err error) *Fault {
	if errors.Is(err, filter.ErrTooLong) {
		return &Fault{Result{Code: AdminLimitExceeded, Text: "the filter has too many parts"}}
	}
	return malformed("the filter cannot be decoded")
}

// decodeHead decodes what stands before the filter.
func (s *SearchRequest) decodeHead(r *ber.Reader) error {
	var scope int32
	var err [6]error
	s.Base, err[0] = r.Read(ber.OctetString)
	scope, err[1] = r.Int(ber.Enumerated)
	s.Aliases, err[2] = r.Int(ber.Enumerated)
	s.SizeLimit, err[3] = r.Int(ber.Integer)
	s.TimeLimit, err[4] = r.Int(ber.Integer)
	s.TypesOnly, err[5] = r.Bool(ber.Boolean)
	for _, e := range err {
		if e != nil {
			return errSearch
		}
	}
	s.Scope = Scope(scope)
	switch {
	case scope < int32(BaseObject) || scope > int32(WholeSubtree):
		return malformed("the scope is none that is known")
	case s.Aliases < 0 || s.Aliases > 3:
		return malformed("derefAliases is out of range")
	case s.SizeLimit < 0 || s.TimeLimit < 0:
		return malformed("a limit is negative")
	}
	return nil
}

// decodeSelection decodes the attribute list, into room where that is enough.
// Some old clients leave it out; that asks for all.
func decodeSelection(r *ber.Reader, room [][]byte) (raw []byte, names [][]byte, err error) {
	if r.Empty() {
		return nil, nil, nil
	}
	if raw, err = r.Read(ber.Sequence); err != nil {
		return nil, nil, errSearch
	}
	n, err := countNames(raw)
	if err != nil {
		return nil, nil, err
	}
	if names = room; n > cap(names) {
		names = make([][]byte, 0, n)
	}
	for list := ber.NewReader(raw); !list.Empty(); {
		name, err := list.Read(ber.OctetString)
		if err != nil {
			return nil, nil, errSearch
		}
		names = append(names, name)
	}
	return raw, names, nil
}

// countNames says how many names a list holds, and refuses too many.
func countNames(raw []byte) (n int, err error) {
	for list := ber.NewReader(raw); !list.Empty(); n++ {
		switch _, _, err := list.Next(); {
		case err != nil:
			return 0, errSearch
		case n == maxAttributes:
			return 0, &Fault{Result{Code: AdminLimitExceeded, Text: "too many attributes are asked for"}}
		}
	}
	return n, nil
}
