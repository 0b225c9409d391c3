package depot

import (
	"fmt"
	"math"
)

// StartKind is a way to say where a topology begins to read a partition that it
// never read before.
type StartKind uint8

// The kinds.
const (
	StartEnd            StartKind = iota // records appended from now on
	StartBeginning                       // all that is there
	StartAfterTimestamp                  // records appended at Millis or later
	StartAgo                             // the last N records, or those of the last N units of time
)

// Unit is what StartAgo counts.
type Unit uint8

// The units.
const (
	Records Unit = iota
	Seconds
	Minutes
	Hours
	Days
)

var (
	startNames = [...]string{"end", "beginning", "offsetAfterTimestamp", "offsetAgo"}
	unitNames  = [...]string{"RECORDS", "SECONDS", "MINUTES", "HOURS", "DAYS"}
	unitMillis = [...]int64{0, 1000, 60_000, 3_600_000, 86_400_000}
)

// StartFrom says where to begin. The zero value is the end.
type StartFrom struct {
	Kind   StartKind
	Millis int64 // StartAfterTimestamp: since 1970
	N      int64 // StartAgo
	Unit   Unit  // StartAgo
}

// Validate gives ErrInvalid for a start that means nothing.
func (s StartFrom) Validate() error {
	if int(s.Kind) >= len(startNames) || int(s.Unit) >= len(unitNames) {
		return fmt.Errorf("%w: start from kind %d unit %d", ErrInvalid, s.Kind, s.Unit)
	}
	if s.Kind == StartAgo && s.N < 0 {
		return fmt.Errorf("%w: start from %v: less than nothing", ErrInvalid, s)
	}
	return nil
}

func (s StartFrom) String() string {
	switch {
	case int(s.Kind) >= len(startNames):
		return fmt.Sprintf("start(%d)", s.Kind)
	case s.Kind == StartAfterTimestamp:
		return fmt.Sprintf("%s(%d)", startNames[s.Kind], s.Millis)
	case s.Kind == StartAgo:
		return fmt.Sprintf("%s(%d, %v)", startNames[s.Kind], s.N, s.Unit)
	}
	return startNames[s.Kind]
}

func (u Unit) String() string {
	if int(u) < len(unitNames) {
		return unitNames[u]
	}
	return fmt.Sprintf("unit(%d)", u)
}

// OffsetAt resolves where to begin, at the time nowMillis: an offset from start
// to end. A time is found by the times that the records have, which never
// decrease: the first record that is not before it.
func (p *Partition) OffsetAt(s StartFrom, nowMillis int64) (uint64, error) {
	if err := s.Validate(); err != nil {
		return 0, err
	}
	start, end := p.Info()
	switch s.Kind {
	case StartEnd:
		return end, nil
	case StartBeginning:
		return start, nil
	case StartAfterTimestamp:
		return p.log.OffsetAtTime(s.Millis)
	}
	if s.Unit == Records {
		if uint64(s.N) >= end-start {
			return start, nil
		}
		return end - uint64(s.N), nil
	}
	return p.log.OffsetAtTime(before(nowMillis, s.N, unitMillis[s.Unit]))
}

// before is now minus n units, or the beginning of time.
func before(now, n, unit int64) int64 {
	if n > math.MaxInt64/unit || now < math.MinInt64+n*unit {
		return math.MinInt64
	}
	return now - n*unit
}
