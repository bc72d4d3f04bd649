package store

import (
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"postern/policy"
)

// The header of the WAL index, as https://sqlite.org/walformat.html lays it
// down (section 2.2): two copies of 48 bytes in the byte order of the machine.
const (
	headerWords   = 6       // of 64 bits, in each copy
	headerVersion = 3007000 // in the first 32 bits
	headerInit    = 12      // the byte that is 1 in an index that is in use
	headerSum     = 40      // where the checksum of what is before it stands
	frameWord     = 4       // of 32 bits: how many frames the WAL holds
	filedByte     = 96      // behind the copies: how many of them are in the database file too
	mappedBytes   = 4096
)

// walIndex is a view of the file in which the connections to one database, of
// all processes, agree on what is committed (postern.db-shm). It can be read
// while they write, with no lock and no system call.
type walIndex struct {
	fd   int
	mem  []byte
	head *[2 * headerWords]uint64
	done *uint32 // at filedByte
}

// fileID is which file it is, whatever its name.
type fileID struct{ dev, ino uint64 }

// mark returns the header as it is now. It changes with every commit of
// whatever process, before the commit is acknowledged, so while it stays the
// same nothing was committed. The zero Mark says that the header cannot be
// read now: somebody is writing it.
func (w *walIndex) mark() (m policy.Mark) {
	if w == nil {
		return m
	}
	for i := range m {
		m[i] = atomic.LoadUint64(&w.head[i])
	}
	// Who writes begins with the second copy, so one that was read after the
	// first and equals it was whole.
	for i := range m {
		if atomic.LoadUint64(&w.head[headerWords+i]) != m[i] {
			return policy.Mark{}
		}
	}
	runtime.KeepAlive(w)
	if !whole(&m) {
		return policy.Mark{}
	}
	return m
}

// frames is how many pages the WAL holds in the state m.
func frames(m *policy.Mark) uint32 { return (*[headerWords * 2]uint32)(unsafe.Pointer(m))[frameWord] }

// filed reports whether all that the WAL holds in the state m is in the
// database file too, so that a reader who begins now needs no WAL, and nobody
// keeps a writer from beginning it anew.
func (w *walIndex) filed(m *policy.Mark) bool {
	filed := atomic.LoadUint32(w.done) >= frames(m)
	runtime.KeepAlive(w)
	return filed
}

// whole reports whether m is the header of an index in use and carries the
// checksum that SQLite reckons over it.
func whole(m *policy.Mark) bool {
	b := (*[headerWords * 8]byte)(unsafe.Pointer(m))
	words := (*[headerWords * 2]uint32)(unsafe.Pointer(m))
	if words[0] != headerVersion || b[headerInit] == 0 {
		return false
	}
	var s0, s1 uint32
	for i := 0; i < headerSum/4; i += 2 {
		s0 += words[i] + s1
		s1 += words[i+1] + s0
	}
	return s0 == words[headerSum/4] && s1 == words[headerSum/4+1]
}

// walIndexes holds the views of this process. Closing any descriptor of a file
// drops the locks that the process holds on it by another (fcntl(2)), and
// SQLite holds locks on this one. So a view is shared by all that have the
// database open, and its descriptor is closed only when its file has no name
// any more: then SQLite has ended it.
var walIndexes struct {
	sync.Mutex
	known map[fileID]*walIndex
}

// openWALIndex returns the view of the database at path, which this process
// must have open for as long as the view is to be relied on: then nobody
// replaces the file. nil: the file cannot be mapped, and no mark is known.
func openWALIndex(path string) *walIndex {
	walIndexes.Lock()
	defer walIndexes.Unlock()
	forgetEnded()
	var st syscall.Stat_t
	if err := syscall.Stat(path+"-shm", &st); err != nil {
		return nil
	}
	w := walIndexes.known[idOf(&st)]
	if w == nil {
		w = mapWALIndex(path + "-shm")
	}
	if w == nil || w.head == nil {
		return nil
	}
	return w
}

// forgetEnded lets go of the views whose files are gone. What they hold goes
// with the last one that uses them.
func forgetEnded() {
	for id, w := range walIndexes.known {
		var st syscall.Stat_t
		if err := syscall.Fstat(w.fd, &st); err == nil && st.Nlink == 0 {
			delete(walIndexes.known, id)
			runtime.AddCleanup(w, func(e ended) { e.close() }, ended{w.fd, w.mem})
		}
	}
}

// ended is what is left of a view that nobody uses.
type ended struct {
	fd  int
	mem []byte
}

func (e ended) close() {
	if e.mem != nil {
		_ = syscall.Munmap(e.mem)
	}
	_ = syscall.Close(e.fd)
}

func idOf(st *syscall.Stat_t) fileID {
	return fileID{uint64(st.Dev), uint64(st.Ino)} //nolint:unconvert // not of these types on every system
}

// mapWALIndex makes a view and keeps it. One that was opened and cannot be
// mapped is kept too, for its descriptor.
func mapWALIndex(path string) *walIndex {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return nil
	}
	w := &walIndex{fd: fd}
	if walIndexes.known == nil {
		walIndexes.known = map[fileID]*walIndex{}
	}
	walIndexes.known[idOf(&st)] = w
	if st.Size < mappedBytes {
		return w
	}
	if w.mem, err = syscall.Mmap(fd, 0, mappedBytes, syscall.PROT_READ, syscall.MAP_SHARED); err == nil {
		w.head = (*[2 * headerWords]uint64)(unsafe.Pointer(&w.mem[0]))
		w.done = (*uint32)(unsafe.Pointer(&w.mem[filedByte]))
	}
	return w
}
