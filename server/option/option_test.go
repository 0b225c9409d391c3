package option

import (
	"errors"
	"strings"
	"testing"

	"rama/engine/value"
)

var (
	testSize    = Int("test.size", Depot, 10, 1, 100, "a size")
	testSwitch  = Bool("test.switch", Topology, true, "a switch")
	testWeights = Weights("test.weights", Module, map[string]float64{"a": 1, "b": 2}, "weights")
)

func registry() *Registry {
	return NewRegistry(map[string]Level{"*d": Depot, "*e": Depot, "graph": Topology})
}

func TestLevels(t *testing.T) {
	r := registry()
	d, e := r.Live(testSize, "*d"), r.Live(testSize, "*e")
	set := func(object string, s Source, v value.Value) {
		t.Helper()
		if err := r.Set(Setting{object, "test.size", s, v}); err != nil {
			t.Fatal(err)
		}
	}
	want := func(wd, we int64) {
		t.Helper()
		if d.Int() != wd || e.Int() != we {
			t.Errorf("got %d and %d, want %d and %d", d.Int(), e.Int(), wd, we)
		}
	}
	want(10, 10)
	set("", Code, value.Int(20))
	want(20, 20)
	set("*d", Code, value.Int(30))
	want(30, 20)
	set("", Operator, value.Int(40))
	want(30, 40)
	set("*d", Operator, value.Int(50))
	want(50, 40)
	set("*d", Operator, value.Void)
	want(30, 40)
	if s := r.Live(testSwitch, "graph"); !s.Bool() {
		t.Error("switch is off")
	}
	if n := len(r.Settings()); n != 3 {
		t.Errorf("%d settings", n)
	}
}

func TestBadSettings(t *testing.T) {
	r := registry()
	for _, c := range []struct {
		s    Setting
		want error
		text string
	}{
		{Setting{"", "test.sise", Operator, value.Int(1)}, ErrUnknown, "did you mean test.size?"},
		{Setting{"*x", "test.size", Operator, value.Int(1)}, ErrUnknown, "no object *x"},
		{Setting{"graph", "test.size", Operator, value.Int(1)}, ErrUnknown, "option of a depot"},
		{Setting{"*d", "test.size", Operator, value.Int(101)}, ErrBad, "from 1 to 100"},
		{Setting{"*d", "test.size", Operator, value.String("x")}, ErrBad, "integer"},
		{Setting{"graph", "test.switch", Operator, value.Int(1)}, ErrBad, "true or false"},
		{Setting{"", "test.weights", Operator, value.MustOf(map[string]any{"c": 1.0})}, ErrBad, "knows no"},
		{Setting{"", "test.weights", Operator, value.MustOf(map[string]any{"a": 0})}, ErrBad, "above zero"},
	} {
		if err := r.Set(c.s); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%v: %v", c.s, err)
		}
	}
	if n := len(r.Settings()); n != 0 {
		t.Errorf("a refused setting was kept")
	}
	if r.Live(testWeights, "").Value().Len() != 2 {
		t.Error("weights lost")
	}
}
