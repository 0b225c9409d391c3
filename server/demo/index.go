package demo

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
)

// Record is one entry of a Packages file: its fields by name.
type Record map[string]string

// maxLine bounds a line of a Packages file, in bytes.
const maxLine = 4 << 20

// ReadIndex reads the records of a Packages file (Debian policy 5.1: fields
// "Name: value", continued on lines that begin with white space, records
// separated by empty lines). An error names the line and ends it.
func ReadIndex(r io.Reader) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		s := bufio.NewScanner(r)
		s.Buffer(make([]byte, 64<<10), maxLine)
		rec, last := Record{}, ""
		for n := 1; s.Scan(); n++ {
			line := s.Text()
			switch {
			case strings.TrimSpace(line) == "":
				if len(rec) > 0 && !yield(rec, nil) {
					return
				}
				rec, last = Record{}, ""
			case line[0] == ' ' || line[0] == '\t':
				if last == "" {
					yield(nil, fmt.Errorf("line %d: a continuation without a field", n))
					return
				}
				rec[last] += "\n" + strings.TrimRight(line, " \t")
			default:
				name, val, ok := strings.Cut(line, ":")
				if !ok || name == "" || strings.ContainsAny(name, " \t") {
					yield(nil, fmt.Errorf("line %d: %.40q is no field", n, line))
					return
				}
				last = name
				rec[name] = strings.TrimSpace(val)
			}
		}
		if err := s.Err(); err != nil {
			yield(nil, err)
			return
		}
		if len(rec) > 0 {
			yield(rec, nil)
		}
	}
}

// Package is what the topology keeps of a record.
type Package struct {
	Version       string   `json:"version"`
	Section       string   `json:"section"`
	Maintainer    string   `json:"maintainer"`
	InstalledSize int64    `json:"installedSize"` // KiB; 0 where the record names none
	Depends       []string `json:"depends"`
}

// Name is the name of the package that the record is about.
func (r Record) Name() string { return r["Package"] }

// Package reads the fields that are kept.
func (r Record) Package() (Package, error) {
	p := Package{
		Version: r["Version"], Section: r["Section"], Maintainer: r["Maintainer"],
		Depends: Dependencies(r["Depends"]),
	}
	if r.Name() == "" {
		return p, fmt.Errorf("a record without a Package field")
	}
	if size := r["Installed-Size"]; size != "" {
		n, err := strconv.ParseInt(size, 10, 64)
		if err != nil || n < 0 {
			return p, fmt.Errorf("package %s: Installed-Size %q is no size", r.Name(), size)
		}
		p.InstalledSize = n
	}
	return p, nil
}

// Dependencies returns the name of the first alternative of each entry of a
// Depends field: "a (>= 1) | b, c:any" is a and c.
func Dependencies(field string) []string {
	names := []string{}
	for entry := range strings.SplitSeq(field, ",") {
		first, _, _ := strings.Cut(entry, "|")
		first = strings.TrimSpace(first)
		if i := strings.IndexAny(first, " \t\n(:["); i >= 0 {
			first = first[:i]
		}
		if first != "" {
			names = append(names, first)
		}
	}
	return names
}
