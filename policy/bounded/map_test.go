package bounded

import "testing"

func TestItKeepsWhatWasUsedLastAndNoMoreThanTwiceItsBound(t *testing.T) {
	m := New[int, int](10)
	for i := range 1000 {
		m.Put(i, -i)
		if i > 0 {
			if v, ok := m.Get(0); !ok || v != 0 {
				t.Fatalf("what is used all the time was forgotten after %d others", i)
			}
		}
		if m.Len() > 20 {
			t.Fatalf("%d are kept", m.Len())
		}
	}
	for i := 991; i < 1000; i++ {
		if v, ok := m.Get(i); !ok || v != -i {
			t.Errorf("of the last ones, %d is %d, %v", i, v, ok)
		}
	}
	if _, ok := m.Get(500); ok {
		t.Error("what was put long ago is still there")
	}
}

func TestWhatIsReplacedOrDeletedIsThereOnceOrNotAtAll(t *testing.T) {
	m := New[string, int](1)
	m.Put("a", 1)
	m.Put("b", 2) // "a" is old now
	m.Put("a", 3)
	if v, ok := m.Get("a"); !ok || v != 3 {
		t.Errorf("a is %d, %v", v, ok)
	}
	seen := map[string]int{}
	for k, v := range m.All() {
		if _, twice := seen[k]; twice {
			t.Errorf("%s comes twice", k)
		}
		seen[k] = v
	}
	if len(seen) != m.Len() || seen["a"] != 3 {
		t.Errorf("all are %v, counted %d", seen, m.Len())
	}
	m.Delete("a")
	if _, ok := m.Get("a"); ok {
		t.Error("what was deleted is there")
	}
}

func TestTheZeroMapKeepsNothing(t *testing.T) {
	var m Map[int, int]
	m.Put(1, 1)
	if _, ok := m.Get(1); ok || m.Len() != 0 {
		t.Error("something is kept")
	}
}
