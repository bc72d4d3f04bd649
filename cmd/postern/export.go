package main

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"postern/directory"
)

const (
	exportEvery  = time.Second
	exportAtOnce = 500
	exportPause  = time.Minute // at most, between tries

	// metaExported is the row of meta that says up to where events were exported.
	metaExported = "export_position"
)

// exportSource is where events come from, and where it is kept how far they
// were taken.
type exportSource interface {
	EventsChanged(ctx context.Context, position int64, limit int) ([]directory.Event, int64, error)
	Meta(ctx context.Context, key string) (string, error)
	SetMeta(ctx context.Context, key, value string) error
}

// exporter copies events in the order of their commits. Each is copied at least
// once: the position moves after the copy. An event that is counted further is
// copied again, with the same id and its total.
type exporter struct {
	from exportSource
	to   exportTo
	log  *slog.Logger

	known    bool
	position int64
	pause    time.Duration // after a failure
}

// newExporter returns nil where to is nil: events go nowhere.
func newExporter(from exportSource, to exportTo, log *slog.Logger) *exporter {
	if to == nil {
		return nil
	}
	return &exporter{from: from, to: to, log: log}
}

// exportEvents copies until ctx ends. What is left then, finish copies.
func (s *server) exportEvents(ctx context.Context) error {
	if s.exporter != nil {
		s.exporter.run(ctx)
	}
	return nil
}

func (x *exporter) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		timer.Reset(x.step(ctx))
	}
}

// step copies what there is and returns how long to wait for more.
func (x *exporter) step(ctx context.Context) time.Duration {
	for {
		n, err := x.batch(ctx)
		switch {
		case ctx.Err() != nil:
			return 0
		case err != nil:
			if x.pause == 0 {
				x.log.Error("Events cannot be exported; they are kept, and follow when it is possible again.", "error", err)
			}
			x.pause = min(exportPause, max(exportEvery, 2*x.pause))
			return x.pause
		}
		if x.pause > 0 {
			x.log.Info("events are exported again")
			x.pause = 0
		}
		if n < exportAtOnce {
			return exportEvery
		}
	}
}

// batch copies up to exportAtOnce events and returns how many.
func (x *exporter) batch(ctx context.Context) (int, error) {
	if err := x.recall(ctx); err != nil {
		return 0, err
	}
	events, last, err := x.from.EventsChanged(ctx, x.position, exportAtOnce)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	if err := x.to.write(ctx, events); err != nil {
		return 0, err
	}
	if err := x.from.SetMeta(context.WithoutCancel(ctx), metaExported, strconv.FormatInt(last, 10)); err != nil {
		return 0, fmt.Errorf("keeping how far events were exported: %w", err)
	}
	x.position = last
	return len(events), nil
}

// recall reads the position once.
func (x *exporter) recall(ctx context.Context) error {
	if x.known {
		return nil
	}
	text, err := x.from.Meta(ctx, metaExported)
	if err != nil {
		return err
	}
	if text != "" {
		if x.position, err = strconv.ParseInt(text, 10, 64); err != nil {
			return fmt.Errorf("how far events were exported is not a number: %w", err)
		}
	}
	x.known = true
	return nil
}

// finish copies what came last, within the time that ctx has, and lets go.
func (x *exporter) finish(ctx context.Context) error {
	for {
		n, err := x.batch(ctx)
		if err != nil {
			return fmt.Errorf("exporting the last events; the next start does: %w", err)
		}
		if n < exportAtOnce {
			return x.to.close()
		}
	}
}
