package ldapsrv

import (
	"postern/ldapsrv/entry"
	"postern/ldapsrv/wire"
)

// drain sends what has been gathered, where there is somebody to send it to.
func (run *searchRun) drain() (err error) {
	if run.request.stream != nil {
		run.out, err = run.request.stream.send(run.out)
	}
	return err
}

// emit sends an entry, unless there are enough already.
func (run *searchRun) emit(e *entry.Entry, id string) error {
	if run.page.full() {
		run.page.more = true
		return errEnough
	}
	return run.emitUncut(e, id)
}

// emitUncut is emit where the page is cut beforehand.
func (run *searchRun) emitUncut(e *entry.Entry, id string) error {
	if run.page.before()+run.sent >= run.limit {
		return errSizeLimit
	}
	run.sent++
	run.page.note(e.Kind, id)
	run.append(e)
	if len(run.out) >= outboxSize {
		return run.drain()
	}
	return nil
}

func (run *searchRun) append(e *entry.Entry) {
	b, marks := wire.BeginEntry(run.out, run.request.ID, e.DN())
	if run.scratch == nil {
		run.scratch = run.values[:0]
	}
	run.scratch = run.output(e.Kind).Each(e, run.scratch, func(name string, values []string) {
		if run.query.TypesOnly {
			values = nil
		}
		b = wire.AppendAttribute(b, name, values)
	})
	run.out = wire.EndEntry(b, marks)
}
