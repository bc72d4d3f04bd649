package wire

import "postern/ldapsrv/ber"

// Op is the tag of a protocolOp (RFC 4511 §4.2 to §4.14).
type Op = ber.Tag

// The operations. Those that end in Response or Entry, and SearchDone, are
// sent by the server alone.
const (
	OpBind             Op = 0x60
	OpBindResponse     Op = 0x61
	OpUnbind           Op = 0x42
	OpSearch           Op = 0x63
	OpSearchEntry      Op = 0x64
	OpSearchDone       Op = 0x65
	OpModify           Op = 0x66
	OpModifyResponse   Op = 0x67
	OpAdd              Op = 0x68
	OpAddResponse      Op = 0x69
	OpDelete           Op = 0x4a
	OpDeleteResponse   Op = 0x6b
	OpModifyDN         Op = 0x6c
	OpModifyDNResponse Op = 0x6d
	OpCompare          Op = 0x6e
	OpCompareResponse  Op = 0x6f
	OpAbandon          Op = 0x50
	OpExtended         Op = 0x77
	OpExtendedResponse Op = 0x78
)

// ResponseTo returns the operation that answers op, and false where op has no
// answer or is no request.
func ResponseTo(op Op) (Op, bool) {
	switch op {
	case OpBind, OpSearch, OpModify, OpAdd, OpModifyDN, OpCompare, OpExtended:
		if op == OpSearch {
			return OpSearchDone, true
		}
		return op + 1, true
	case OpDelete:
		return OpDeleteResponse, true
	}
	return 0, false
}

// Names of extended operations and of the Notice of Disconnection.
const (
	OIDStartTLS              = "1.3.6.1.4.1.1466.20037"  // RFC 4511 §4.14.1
	OIDWhoAmI                = "1.3.6.1.4.1.4203.1.11.3" // RFC 4532
	OIDPasswordModify        = "1.3.6.1.4.1.4203.1.11.1" // RFC 3062
	OIDCancel                = "1.3.6.1.1.8"             // RFC 3909
	OIDNoticeOfDisconnection = "1.3.6.1.4.1.1466.20036"  // RFC 4511 §4.4.1
)

// Names of controls.
const (
	OIDManageDsaIT  = "2.16.840.1.113730.3.4.2" // RFC 3296
	OIDPaged        = "1.2.840.113556.1.4.319"  // RFC 2696
	OIDSort         = "1.2.840.113556.1.4.473"  // RFC 2891
	OIDSortResponse = "1.2.840.113556.1.4.474"  // RFC 2891
	OIDSubentries   = "1.3.6.1.4.1.4203.1.10.1" // RFC 3672
)

// Names of features that the root DSE may list.
const (
	OIDAllOperational   = "1.3.6.1.4.1.4203.1.5.1" // RFC 3673: "+"
	OIDObjectClassLists = "1.3.6.1.4.1.4203.1.5.2" // RFC 4529: "@class"
	OIDTrueFalseFilters = "1.3.6.1.4.1.4203.1.5.3" // RFC 4526: (&) and (|)
)
