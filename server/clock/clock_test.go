package clock

import (
	"slices"
	"testing"
	"time"
)

func TestVirtual(t *testing.T) {
	start := time.Unix(100, 0)
	c := NewVirtual(start)
	var got []string
	say := func(s string) func() {
		return func() { got = append(got, s+"@"+c.Now().Sub(start).String()) }
	}
	c.AfterFunc(2*time.Second, say("b"))
	c.AfterFunc(time.Second, func() {
		say("a")()
		c.AfterFunc(time.Second, say("c")) // due at the same time as b, arranged later
		c.AfterFunc(time.Hour, say("never"))
	})
	stopped := c.AfterFunc(time.Second, say("stopped"))
	if !stopped.Stop() || stopped.Stop() {
		t.Error("Stop does not tell whether it stopped the call")
	}
	c.Advance(500 * time.Millisecond)
	if len(got) != 0 {
		t.Errorf("early: %v", got)
	}
	c.Advance(3 * time.Second)
	if want := []string{"a@1s", "b@2s", "c@2s"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if now := c.Now().Sub(start); now != 3500*time.Millisecond {
		t.Errorf("the clock stands at %v", now)
	}
}
