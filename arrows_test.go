package rama_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The rooms of the house, from the ground up. A package may import packages of
// this module only from rooms that its own room names, and its own room.
var rooms = []struct {
	room    string   // an import path, or a prefix that ends in "/..."
	imports []string // rooms, as here
}{
	{"rama/engine/value/...", nil},
	{"rama/paths/...", []string{"rama/engine/value/..."}},
	{"rama/engine/...", []string{"rama/engine/value/..."}},
	{"rama/replog/...", []string{"rama/engine/...", "rama/engine/value/..."}},
	{"rama/depot/...", []string{"rama/engine/...", "rama/engine/value/..."}},
	{"rama/pstate/...", []string{"rama/engine/...", "rama/engine/value/...", "rama/paths/..."}},
	{"rama", []string{"rama/engine/value/...", "rama/pstate/...", "rama/depot/...", "rama/paths/..."}},
	{"rama/coordinator/metastore/...", []string{"rama/engine/value/..."}},
	{"rama/bench/data", nil},
	// The composition roots: what joins everything into programs.
	{"rama/server/node/...", []string{"*"}},
	{"rama/server/local/...", []string{"*"}},
	{"rama/cmd/...", []string{"*"}},
	{"rama/bench/...", []string{"*"}},
	// The rooms of the server and the coordinator above them.
	{"rama/server/...", []string{
		"rama", "rama/engine/...", "rama/engine/value/...", "rama/paths/...", "rama/replog/...", "rama/depot/...", "rama/pstate/...",
		"rama/coordinator/metastore/...",
	}},
	{"rama/coordinator/...", []string{
		"rama", "rama/engine/...", "rama/engine/value/...", "rama/paths/...", "rama/replog/...", "rama/depot/...", "rama/pstate/...",
		"rama/coordinator/metastore/...", "rama/server/...",
	}},
}

func inRoom(pkg, room string) bool {
	if p, ok := strings.CutSuffix(room, "/..."); ok {
		return pkg == p || strings.HasPrefix(pkg, p+"/")
	}
	return pkg == room
}

// roomOf is the index of the first room that holds the package: finer rooms
// stand before those that hold them.
func roomOf(pkg string) int {
	for i, r := range rooms {
		if inRoom(pkg, r.room) {
			return i
		}
	}
	return -1
}

func allowed(from, to string) bool {
	f, t := roomOf(from), roomOf(to)
	if f < 0 || t < 0 {
		return false
	}
	if f == t {
		return true
	}
	for _, r := range rooms[f].imports {
		if r == rooms[t].room || r == "*" {
			return true
		}
	}
	return false
}

// Arrows point down only. Tests may import more: they stand outside of the house.
func TestArrowsPointDown(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && file != "." || d.Name() == "testdata" || d.Name() == "tools") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		pkg := path.Join("rama", filepath.ToSlash(filepath.Dir(file)))
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		seen++
		if roomOf(pkg) < 0 {
			t.Errorf("%s: package %s stands in no room", file, pkg)
		}
		for _, name := range strings.Split(pkg, "/") {
			switch name {
			case "util", "utils", "common", "helper", "helpers", "misc":
				t.Errorf("%s: a package named %q", file, name)
			}
		}
		for _, i := range f.Imports {
			to, _ := strconv.Unquote(i.Path.Value)
			if (to == "rama" || strings.HasPrefix(to, "rama/")) && !allowed(pkg, to) {
				t.Errorf("%s: %s must not import %s", file, pkg, to)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 20 {
		t.Errorf("looked at %d files only", seen)
	}
}

// The rule itself is tested: it must refuse what the house forbids.
func TestArrowsRule(t *testing.T) {
	for _, c := range []struct {
		from, to string
		ok       bool
	}{
		{"rama/pstate", "rama/engine", true},
		{"rama/pstate", "rama/depot", false},
		{"rama/depot", "rama/pstate", false},
		{"rama/replog/wal", "rama/depot", false},
		{"rama/engine/segment", "rama/engine", true},
		{"rama/engine/value", "rama/engine", false},
		{"rama/paths", "rama/engine", false},
		{"rama", "rama/server/task", false},
		{"rama", "rama/engine", false},
		{"rama/server/task", "rama", true},
		{"rama/server/task", "rama/server/node", false},
		{"rama/server/worp", "rama/coordinator/metastore", true},
		{"rama/server/worp", "rama/coordinator", false},
		{"rama/coordinator", "rama/server/worp", true},
		{"rama/coordinator/metastore", "rama/server/worp", false},
		{"rama/cmd/rama", "rama/server/node", true},
		{"rama/nowhere", "rama", false},
	} {
		if allowed(c.from, c.to) != c.ok {
			t.Errorf("%s -> %s: allowed is %t", c.from, c.to, !c.ok)
		}
	}
}
