package config

import (
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"
)

// binder writes a decoded file into a Config, key by key, and goes on after
// what does not fit. The toml package could fill the struct itself, but would
// stop at the first value of a wrong type.
type binder struct{ *problems }

// filler is a table that has defaults only where it is written.
type filler interface{ fillDefaults() }

// table writes the keys of one table into the struct v.
func (b binder) table(v reflect.Value, path string, keys map[string]any) {
	fields := fieldsOf(v.Type())
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		at := join(path, key)
		if i, ok := fields[key]; ok {
			b.value(v.Field(i), at, keys[key])
		} else {
			b.add(at, "unknown key%s", hint(key, fields))
		}
	}
}

// fieldsOf maps the keys of a table to the fields of its struct.
func fieldsOf(t reflect.Type) map[string]int {
	fields := make(map[string]int, t.NumField())
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("toml"); key != "" {
			fields[key] = i
		}
	}
	return fields
}

// value writes one value, or says why it does not fit.
func (b binder) value(v reflect.Value, path string, raw any) {
	if b.parsed(v, path, raw) {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		b.structure(v, path, raw)
	case reflect.Slice:
		b.list(v, path, raw)
	case reflect.Int:
		if n, ok := raw.(int64); ok {
			v.SetInt(n)
			return
		}
		b.add(path, "must be a whole number")
	case reflect.Bool:
		if yes, ok := raw.(bool); ok {
			v.SetBool(yes)
			return
		}
		b.add(path, "must be true or false, without quotes")
	case reflect.String:
		if text, ok := raw.(string); ok {
			v.SetString(text)
			return
		}
		b.add(path, "must be a string in quotes")
	default:
		b.add(path, "cannot be read")
	}
}

// parsed writes values of the types that have a spelling of their own, and
// reports whether v is of one.
func (b binder) parsed(v reflect.Value, path string, raw any) bool {
	var err error
	switch to := v.Addr().Interface().(type) {
	case *netip.Prefix:
		*to, err = parsePrefix(raw)
	case *time.Duration:
		*to, err = parseDuration(raw)
	case *time.Time:
		*to, err = parseMoment(raw)
	case *Secret:
		*to, err = parseSecret(raw)
	default:
		return false
	}
	if err != nil {
		b.add(path, "%v", err)
	}
	return true
}

func (b binder) structure(v reflect.Value, path string, raw any) {
	keys, ok := raw.(map[string]any)
	if !ok {
		header := "[" + path + "]"
		if list, _, ok := strings.Cut(path, "["); ok {
			header = "[[" + list + "]]"
		}
		b.add(path, "is a table: write %s above its keys", header)
		return
	}
	if f, ok := v.Addr().Interface().(filler); ok {
		f.fillDefaults()
	}
	b.table(v, path, keys)
}

func (b binder) list(v reflect.Value, path string, raw any) {
	elements, ok := elementsOf(raw)
	tables := v.Type().Elem().Kind() == reflect.Struct && v.Type().Elem() != reflect.TypeFor[netip.Prefix]()
	switch {
	case !ok && tables:
		b.add(path, "is a list of tables: write [[%s]] above the keys of each", path)
		return
	case !ok:
		b.add(path, "must be a list, such as [\"…\"]")
		return
	}
	list := reflect.MakeSlice(v.Type(), len(elements), len(elements))
	for i, element := range elements {
		b.value(list.Index(i), index(path, i), element)
	}
	v.Set(list)
}

// elementsOf returns the elements of a list, whichever type it decoded to.
func elementsOf(raw any) ([]any, bool) {
	switch list := raw.(type) {
	case []any:
		return list, true
	case []map[string]any:
		elements := make([]any, len(list))
		for i, keys := range list {
			elements[i] = keys
		}
		return elements, true
	}
	return nil, false
}

// hint names the key that was most likely meant: the nearest of the table, or
// the same key of another table.
func hint(key string, fields map[string]int) string {
	best, far := "", 1+max(2, len(key)/3)
	for _, known := range slices.Sorted(maps.Keys(fields)) {
		if d := distance(strings.ToLower(key), known); d < far {
			best, far = known, d
		}
	}
	if best != "" {
		return "; did you mean " + best + "?"
	}
	if table := tableWith(key); table != "" {
		return "; it belongs in " + table
	}
	return "; known here are " + strings.Join(slices.Sorted(maps.Keys(fields)), ", ")
}

// tableWith returns the header of the first table that has key, or "".
func tableWith(key string) string {
	root := reflect.TypeFor[Config]()
	for i := range root.NumField() {
		name, t := root.Field(i).Tag.Get("toml"), root.Field(i).Type
		header := "[" + name + "]"
		if t.Kind() == reflect.Slice {
			t, header = t.Elem(), "["+header+"]"
		}
		if name == "" || t.Kind() != reflect.Struct {
			continue
		}
		if _, ok := fieldsOf(t)[key]; ok {
			return header
		}
	}
	return ""
}

// distance is the Levenshtein distance of two keys.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
