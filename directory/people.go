package directory

// PeopleOrder is what people are listed by.
type PeopleOrder uint8

const (
	ByLogin PeopleOrder = iota
	ByName
	ByMail
)

// PeopleQuery asks for one batch of people in an order.
type PeopleQuery struct {
	Order PeopleOrder
	// Prefix is what the normalised login, name or mail address begins with;
	// "" for everybody that has one.
	Prefix string
	// AfterKey and AfterID continue behind the person with that normalised
	// key and id; AfterID "" begins.
	AfterKey, AfterID string
	Limit             int
}
