package engine

import "fmt"

// The keys that belong to no task:
//
//	00 01         applied   index and epoch of the last entry applied: two ordered numbers
//	00 02         format    version of the layout of keys and of these records: one ordered number
//	00 10 name    local     a record about this replica alone; see Store.SetLocal
//
// Numbers of records are never reused.
const (
	groupPrefix = 0x00
	metaApplied = 0x01
	metaFormat  = 0x02
	metaLocal   = 0x10
)

// formatVersion is the version of everything that keys.go, meta.go and
// catalogue.go draw. A store with a higher one is refused.
const formatVersion = 1

var (
	appliedKey = []byte{groupPrefix, metaApplied}
	formatKey  = []byte{groupPrefix, metaFormat}
)

func localKey(dst []byte, name string) []byte {
	return append(append(dst, groupPrefix, metaLocal), name...)
}

func appendApplied(dst []byte, index, epoch uint64) []byte {
	return AppendOrdered(AppendOrdered(dst, index), epoch)
}

func decodeApplied(b []byte) (index, epoch uint64, err error) {
	if index, b, err = DecodeOrdered(b); err == nil {
		if epoch, b, err = DecodeOrdered(b); err == nil && len(b) > 0 {
			err = fmt.Errorf("%w: %d bytes behind it", ErrCorrupt, len(b))
		}
	}
	if err != nil {
		return 0, 0, fmt.Errorf("applied record: %w", err)
	}
	return index, epoch, nil
}

// checkMetaKey says whether a key that begins with 00 is one of the above.
func checkMetaKey(key, val []byte) error {
	if len(key) < 2 {
		return badKey(key, "ends early")
	}
	switch {
	case key[1] == metaApplied && len(key) == 2:
		_, _, err := decodeApplied(val)
		return err
	case key[1] == metaFormat && len(key) == 2:
		_, rest, err := DecodeOrdered(val)
		if err == nil && len(rest) > 0 {
			err = fmt.Errorf("%w: format record: %d bytes behind it", ErrCorrupt, len(rest))
		}
		return err
	case key[1] == metaLocal && len(key) > 2:
		return nil
	}
	return badKey(key, "unknown record of the group")
}
