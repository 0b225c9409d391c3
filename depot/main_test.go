package depot

import (
	"flag"
	"os"
	"testing"
)

// TestMain makes model tests longer than rapid's 30 steps.
func TestMain(m *testing.M) {
	flag.Parse()
	set := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { set[f.Name] = true })
	if !set["rapid.steps"] {
		_ = flag.Set("rapid.steps", "120")
	}
	os.Exit(m.Run())
}
