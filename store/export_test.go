package store

// StatementsRead is how many statements the connections for reading have run.
// It may be asked while none is in use.
func (s *Store) StatementsRead() (n int) {
	s.read.mu.Lock()
	defer s.read.mu.Unlock()
	for _, ses := range s.read.free {
		n += ses.ran
	}
	return n
}
