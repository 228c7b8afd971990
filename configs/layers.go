package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/pelletier/go-toml/v2"

	"pickerd/configs/strict"
	"pickerd/store/regular"
)

// An Origin says which layer a value comes from.
type Origin string

// The layers, weakest first. In files, those of the folder conf.d follow the main
// file by name.
const (
	FromDefault     Origin = "default"
	FromFile        Origin = "file"
	FromFleet       Origin = "fleet" // what the operator has set for a group, in the state directory
	FromPhone       Origin = "phone" // what people have set, in the state directory
	FromEnvironment Origin = "environment"
)

// Sources say where a configuration is read from.
type Sources struct {
	File     string // the main file; "" for none. Those of the folder conf.d beside it follow
	Optional bool   // File may be missing
	Phone    bool   // read also what people have set, and an operator for groups
	Getenv   func(string) string
	Checks   []Check

	strict bool // nothing is tolerated
}

// ConfigFolder is the folder of more configuration files: beside the main file, and in
// the state directory.
const ConfigFolder = "conf.d"

// PhoneFile is what people have set, in ConfigFolder of the state directory. Only
// pickerd writes it.
const PhoneFile = "50-settings.toml"

// GroupFile returns the name of the file with what an operator has set for a group of
// boxes, as "site=lobby", in ConfigFolder of the state directory. Only pickerd writes it.
func GroupFile(group string) string { return "40-group-" + group + ".toml" }

// A layer is one source of values.
type layer struct {
	origin Origin
	source *strict.Source
	values strict.Values
}

// Layers are a configuration and where its values come from. They don't change.
type Layers struct {
	// Config is the configuration; nil with Err.
	Config *Config
	// Problems are what was left out: wrong values of tolerant settings, unknown keys,
	// files of others. For each a weaker value holds.
	Problems []*Error
	// Err says why there is no configuration. It joins *Error values, or says why a
	// file can't be read.
	Err error
	// Torn reports whether a file could not be read as a whole, so that a running box
	// keeps what it has.
	Torn bool

	sources Sources
	layers  []layer
	origins map[string]Origin

	defaults *Config // on this machine
}

// Read reads all layers.
func (s Sources) Read() *Layers {
	l := &Layers{sources: s}
	var fatal []error
	defaults := &strict.Source{Data: []byte(Default)}
	values, _ := defaults.Values(new(Config))
	for _, key := range strict.Keys(new(Config)) { // those that are comments in the file
		if _, ok := values[key]; !ok {
			values[key] = strict.Field(new(Config), key)
		}
	}
	l.layers = append(l.layers, layer{FromDefault, defaults, values})
	for i, path := range s.files() {
		data, err := readOwned(path, i > 0, "")
		switch e, isOurs := errors.AsType[*Error](err); {
		case err == nil:
			l.add(FromFile, source(path, data, s.Getenv), i > 0, &fatal)
		case i == 0 && s.Optional && errors.Is(err, fs.ErrNotExist):
		case isOurs:
			l.Problems = append(l.Problems, e)
		default:
			l.Torn = true
			fatal = append(fatal, fmt.Errorf("read configuration: %w", err))
		}
	}
	env := source(s.File, nil, s.Getenv)
	values, bad := env.FromEnv(new(Config))
	for _, e := range bad {
		l.blame(e, s.tolerantVariable(e.Key), &fatal)
	}
	l.layers = append(l.layers, layer{FromEnvironment, env, values})
	if len(fatal) == 0 && s.Phone {
		l.readState()
	}
	if len(fatal) == 0 {
		l.compose(&fatal)
	}
	if l.Err = errors.Join(fatal...); l.Err != nil {
		l.Config = nil
	}
	return l
}

// maxFiles bounds the files in a folder conf.d.
const maxFiles = 200

// files returns the paths of the operator's files in their order.
func (s Sources) files() []string {
	if s.File == "" {
		return nil
	}
	folder := filepath.Join(filepath.Dir(s.File), ConfigFolder)
	paths, _ := filepath.Glob(filepath.Join(escape(folder), "*.toml")) // sorted
	return append([]string{s.File}, paths[:min(len(paths), maxFiles)]...)
}

// escape quotes what filepath.Glob takes for a pattern.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// readOwned reads a regular file. One that was found in a folder, rather than named,
// must belong to root, to this user or, in the state directory, to the user who owns
// that. Otherwise the error is an *Error.
func readOwned(path string, found bool, state string) ([]byte, error) {
	if found {
		st, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		owner := ownerOf(st)
		if owner != 0 && owner != os.Geteuid() {
			dir, err := os.Stat(state)
			if state == "" || err != nil || ownerOf(dir) != owner {
				return nil, &Error{File: path, Msg: fmt.Sprintf("it belongs to the user with the ID %d, so it is not read", owner), Hint: "chown it to root"}
			}
		}
	}
	return regular.ReadFile(path, maxFile)
}

func ownerOf(st fs.FileInfo) int {
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		return int(sys.Uid)
	}
	return -1
}

// tolerantVariable reports whether a wrong value of a variable costs one setting alone.
func (s Sources) tolerantVariable(name string) bool {
	return slices.ContainsFunc(settings, func(t Setting) bool { return EnvName(t.Key) == name && t.Tolerant })
}

// blame notes what is wrong.
func (l *Layers) blame(e *Error, tolerant bool, fatal *[]error) {
	if tolerant && !l.sources.strict {
		l.Problems = append(l.Problems, e)
	} else {
		*fatal = append(*fatal, e)
	}
}

// add adds a file of the operator. An unknown key is tolerated in conf.d. In the main
// file it may be a misspelt key that must not be missed.
func (l *Layers) add(origin Origin, src *strict.Source, found bool, fatal *[]error) {
	values, bad := src.Values(new(Config))
	for _, e := range bad {
		if e.Key == "" {
			l.Torn = true
		}
		tolerant := isTolerant(e.Key)
		if e.Unknown {
			tolerant = found || isTolerant(NearestKey(e.Key))
		}
		l.blame(e, tolerant, fatal)
	}
	l.layers = append(l.layers, layer{origin, src, values})
}

// PhonePath returns where what people set is kept.
func (c *Config) PhonePath() string { return filepath.Join(c.Store.Dir, ConfigFolder, PhoneFile) }

// groupPaths returns the files with what an operator has set for groups that the box is
// in. Those of groups that it has left are not read.
func (c *Config) groupPaths() (paths []string) {
	for _, group := range c.MQTT.Groups() {
		paths = append(paths, c.groupPath(group))
	}
	return paths
}

func (c *Config) groupPath(group string) string {
	return filepath.Join(c.Store.Dir, ConfigFolder, GroupFile(group))
}

// readState adds what an operator has set for groups, and over it what people have set.
// Nothing in it is more than a problem.
func (l *Layers) readState() {
	c := l.merged()
	_ = c.fillIn(l.sources.Getenv) // it is about the name
	for _, path := range c.groupPaths() {
		l.readYielding(FromFleet, path, c.Store.Dir)
	}
	l.readYielding(FromPhone, c.PhonePath(), c.Store.Dir)
}

// readYielding adds a file of the state directory below the environment.
func (l *Layers) readYielding(origin Origin, path, state string) {
	data, err := readOwned(path, true, state)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		data, err = nil, nil
	}
	src := source(path, data, l.sources.Getenv)
	var values strict.Values
	var bad []*Error
	if e, ok := errors.AsType[*Error](err); ok {
		bad = []*Error{e}
	} else if err != nil {
		bad = []*Error{{File: path, Msg: err.Error()}}
	} else {
		values, bad = src.Values(new(Config))
	}
	for _, e := range bad {
		l.Torn = l.Torn || e.Key == ""
		l.Problems = append(l.Problems, e)
	}
	for key := range values {
		if s, _ := SettingOf(key); s.By == FilesOnly {
			delete(values, key)
			l.Problems = append(l.Problems, &Error{File: path, Line: src.Line(key), Key: key, Msg: "only the operator's files may set it"})
		}
	}
	env := len(l.layers) - 1
	l.layers = slices.Insert(l.layers, env, layer{origin, src, values})
}

// locks returns what the operator's files have locked: keys and tables.
func (l *Layers) locks() (list []string) {
	for _, from := range l.layers {
		if v, ok := from.values["lock"]; ok {
			list = append(list, v.Interface().([]string)...)
		}
	}
	return list
}

// isLocked reports whether a key or its table is among locks.
func isLocked(locks []string, key string) bool {
	return slices.ContainsFunc(locks, func(lock string) bool { return key == lock || strings.HasPrefix(key, lock+".") })
}

// Locked reports whether the operator's files or the environment forbid people to set
// a key.
func (l *Layers) Locked(key string) bool {
	return isLocked(l.Config.Lock, key) || l.origins[key] == FromEnvironment
}

// Origin returns which layer the value of a key comes from.
func (l *Layers) Origin(key string) Origin { return l.origins[key] }

// Given returns what the layers say of a key, as Value does. What they leave empty the
// configuration may fill in with what there is on this machine.
func (l *Layers) Given(key string) any {
	return plain(l.owner(key, l.Config.Lock).values[key].Interface())
}

// yields reports whether a layer has no say where a lock is.
func (f layer) yields() bool { return f.origin == FromPhone || f.origin == FromFleet }

// owner returns the layer that a key's value comes from.
func (l *Layers) owner(key string, locks []string) *layer {
	for i := len(l.layers) - 1; i >= 0; i-- {
		from := &l.layers[i]
		if _, ok := from.values[key]; ok && !(from.yields() && isLocked(locks, key)) {
			return from
		}
	}
	return &l.layers[0]
}

// merged returns the values of all layers, unchecked.
func (l *Layers) merged() *Config {
	c, locks := new(Config), l.locks()
	values := strict.Values{}
	for _, key := range strict.Keys(c) {
		values[key] = l.owner(key, locks).values[key]
	}
	values.Set(c)
	c.Lock = locks
	return c
}

// compose merges the layers and checks the result. A wrong value of a tolerant setting
// is taken out of its layer, until nothing is wrong.
func (l *Layers) compose(fatal *[]error) {
	for {
		c := l.merged()
		again := false
		bad := func(key, format string, args ...any) {
			from := l.owner(key, c.Lock)
			e := l.at(from, key, fmt.Sprintf(format, args...))
			tolerant := !l.sources.strict && from.origin != FromDefault && (isTolerant(key) || from.yields())
			if tolerant {
				delete(from.values, key)
				again = true
			}
			l.blame(e, tolerant, fatal)
		}
		l.checkLocks(fatal)
		if err := c.fillIn(l.sources.Getenv); err != nil {
			bad("name", "%v", err)
		}
		c.check(bad, l.sources.Checks...)
		if len(*fatal) > 0 {
			return
		}
		if again {
			continue
		}
		l.Config, l.origins = c, map[string]Origin{}
		l.defaults = (&Layers{layers: l.layers[:1]}).merged()
		_ = l.defaults.fillIn(l.sources.Getenv) // the default name is valid
		for _, key := range strict.Keys(c) {
			l.origins[key] = l.owner(key, c.Lock).origin
		}
		return
	}
}

// checkLocks checks what each layer locks. All layers count, not only the strongest.
func (l *Layers) checkLocks(fatal *[]error) {
	for i := range l.layers {
		from := &l.layers[i]
		v, ok := from.values["lock"]
		if !ok {
			continue
		}
		for _, lock := range v.Interface().([]string) {
			if !isKeyOrTable(lock) {
				*fatal = append(*fatal, l.at(from, "lock", fmt.Sprintf("%q is neither a key nor a table", lock)))
			}
		}
	}
}

// Bad returns an error about the value of a key, with its place.
func (l *Layers) Bad(key, msg string) *Error { return l.at(l.owner(key, l.locks()), key, msg) }

// at returns an error about the value that a layer has for a key.
func (l *Layers) at(from *layer, key, msg string) *Error {
	switch from.origin {
	case FromEnvironment:
		return &Error{Key: EnvName(key), Msg: msg}
	case FromDefault: // what is missing is missing in the main file
		return &Error{File: l.sources.File, Key: key, Msg: msg}
	}
	return &Error{File: from.source.File, Line: from.source.Line(key), Key: key, Msg: msg}
}

// isKeyOrTable reports whether a name is that of a key or of a table.
func isKeyOrTable(name string) bool {
	return slices.ContainsFunc(settings, func(s Setting) bool { return s.Key == name || strings.HasPrefix(s.Key, name+".") })
}

// Value returns the value of a key as JSON and TOML write it: durations and the like
// as text.
func (c *Config) Value(key string) any { return plain(strict.Field(c, key).Interface()) }

// Default returns the default of a key on this machine.
func (l *Layers) Default(key string) any { return l.defaults.Value(key) }

// With returns the configuration with changes to what people set, by key. A nil value
// returns a key to the operator's files. A text is taken for the value of any key, as
// in the environment. The error is Err if there is one, or an *Error about the first
// key that is wrong.
func (l *Layers) With(changes map[string]any) (*Layers, error) {
	if l.Err != nil {
		return nil, l.Err
	}
	next := &Layers{sources: l.sources}
	for _, from := range l.layers { // compose may take values out
		next.layers = append(next.layers, layer{from.origin, from.source, maps.Clone(from.values)})
	}
	i := slices.IndexFunc(next.layers, func(f layer) bool { return f.origin == FromPhone })
	if i < 0 {
		return nil, errors.New("settings of people are not read")
	}
	values := next.layers[i].values
	if values == nil {
		values = strict.Values{}
	}
	src := source("", nil, l.sources.Getenv)
	for _, key := range slices.Sorted(maps.Keys(changes)) {
		v := changes[key]
		if v == nil {
			delete(values, key)
			continue
		}
		value, err := strict.ValueOf(new(Config), key, v)
		if text, ok := v.(string); ok && err != nil {
			if other, terr := src.FromText(new(Config), key, text); terr == nil {
				value, err = other, nil
			}
		}
		if err != nil {
			return nil, &Error{Key: key, Msg: err.Error()}
		}
		values[key] = value
	}
	path := l.Config.PhonePath()
	data, err := phoneFile(values)
	if err != nil {
		return nil, err
	}
	next.layers[i] = layer{FromPhone, source(path, data, l.sources.Getenv), values}
	var fatal []error
	next.compose(&fatal)
	for _, e := range next.Problems {
		if _, ours := changes[e.Key]; ours {
			return nil, e
		}
	}
	if next.Err = errors.Join(fatal...); next.Err != nil {
		return nil, next.Err
	}
	return next, nil
}

// Group returns the file for what an operator has set for a group, and its content, nil
// for none. The error is an *Error about the first key that is wrong.
func (l *Layers) Group(group string, all map[string]any) (path string, data []byte, err error) {
	if l.Err != nil {
		return "", nil, l.Err
	}
	if !slices.Contains(l.Config.MQTT.Groups(), group) {
		return "", nil, &Error{Key: "mqtt.labels", Msg: fmt.Sprintf("the box is not in the group %q", group)}
	}
	path = l.Config.groupPath(group)
	if len(all) == 0 {
		return path, nil, nil
	}
	// As if people had set it, and nothing else.
	alone := &Layers{sources: l.sources, layers: []layer{l.layers[0], {FromPhone, source("", nil, l.sources.Getenv), strict.Values{}}}}
	var fatal []error
	alone.compose(&fatal)
	if alone.Err = errors.Join(fatal...); alone.Err != nil {
		return "", nil, alone.Err
	}
	next, err := alone.With(all)
	if err != nil {
		return "", nil, err
	}
	return path, next.PhoneData(), nil
}

// PhoneData returns the content of the file for what people set, nil for none.
func (l *Layers) PhoneData() []byte {
	for _, from := range l.layers {
		if from.origin == FromPhone && len(from.values) > 0 {
			return from.source.Data
		}
	}
	return nil
}

// phoneFile returns values as a file.
func phoneFile(values strict.Values) ([]byte, error) {
	document := map[string]any{}
	for key, v := range values {
		table, name := document, key
		for {
			first, rest, ok := strings.Cut(name, ".")
			if !ok {
				break
			}
			below, _ := table[first].(map[string]any)
			if below == nil {
				below = map[string]any{}
				table[first] = below
			}
			table, name = below, rest
		}
		table[name] = plain(v.Interface())
	}
	data, err := toml.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("settings can't be written: %w", err)
	}
	return append([]byte("# Settings that people have chosen. pickerd writes this file.\n"), data...), nil
}

// Fingerprint changes when a file of the configuration c has changed, or one has come
// or gone.
func (s Sources) Fingerprint(c *Config) string {
	var text strings.Builder
	files := s.files()
	if s.Phone {
		files = append(append(files, c.groupPaths()...), c.PhonePath())
	}
	for _, path := range files {
		st, err := os.Stat(path)
		if err != nil {
			fmt.Fprintln(&text, path, errors.Is(err, fs.ErrNotExist))
			continue
		}
		sys, _ := st.Sys().(*syscall.Stat_t)
		fmt.Fprintln(&text, path, st.Size(), st.ModTime().UnixNano(), st.Mode(), sys.Ino, sys.Ctim.Nano())
	}
	return text.String()
}

// Where says in words where the value of a key comes from.
func (l *Layers) Where(key string) string {
	from := l.owner(key, l.Config.Lock)
	text := string(from.origin)
	switch line := from.source.Line(key); from.origin {
	case FromDefault:
	case FromEnvironment:
		text += ": " + EnvName(key)
	default:
		text += ": " + from.source.File
		if line > 0 {
			text += fmt.Sprintf(":%d", line)
		}
	}
	if isLocked(l.Config.Lock, key) {
		text += ", locked"
	}
	return text
}
