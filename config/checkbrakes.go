package config

import (
	"strings"
	"time"
)

// maxPause bounds every duration of the brakes: a day more would be a lock.
const maxPause = 24 * time.Hour

func (b *Brakes) check(p *problems) {
	checkRange(p, "brakes.tries", b.Tries, 1, 1000)
	checkSpan(p, "brakes.first", b.First, time.Second, maxPause)
	checkSpan(p, "brakes.longest", b.Longest, max(b.First, time.Second), maxPause)
	checkSpan(p, "brakes.forget", b.Forget, time.Minute, 30*24*time.Hour)
	checkRange(p, "brakes.unfamiliar_per_day", b.UnfamiliarPerDay, b.Tries, 100_000)
	checkRange(p, "brakes.source_per_minute", b.SourcePerMinute, 1, 100_000)
	checkRange(p, "brakes.familiar_days", b.FamiliarDays, 0, 3650)
	checkSpan(p, "brakes.remember_accepted", b.RememberAccepted, 0, time.Hour)
	checkSpan(p, "brakes.remember_refused", b.RememberRefused, 0, 7*24*time.Hour)
}

func checkSpan(p *problems, key string, value, least, most time.Duration) {
	if value < least || value > most {
		p.add(key, "must lie between %q and %q", written(least), written(most))
	}
}

// written is d as people write it: "24h", where Go prints 24h0m0s.
func written(d time.Duration) string {
	text := d.String()
	if d%time.Minute == 0 && d != 0 {
		text = strings.TrimSuffix(text, "0s")
	}
	if d%time.Hour == 0 && d != 0 {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
