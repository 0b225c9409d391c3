package metastore

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"rama/engine/value"
)

// Embedded is a metastore in one file, for a node that runs alone. The tree is
// kept in memory and written whole at each change, to a new file that takes the
// old one's place: a single node changes it a few times in its life.
//
// The file, drawn:
//
//	"RAMAMETA" | version, 1 byte | CRC32C of what follows, 4 bytes, big endian
//	value: map of path -> [version, data]   (package value, encoded)
type Embedded struct {
	fs   vfs.FS
	dir  string
	mu   sync.Mutex
	tree map[string]node
	err  error // the store failed, or is closed
}

type node struct {
	version Version
	data    []byte
}

const (
	fileName    = "metastore"
	tempName    = "metastore.new"
	fileMagic   = "RAMAMETA"
	fileVersion = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// OpenEmbedded opens the metastore in a directory, which it makes if it must.
func OpenEmbedded(fs vfs.FS, dir string) (*Embedded, error) {
	err := fs.MkdirAll(dir, 0o755)
	if err == nil {
		err = syncDir(fs, fs.PathDir(dir))
	}
	if err != nil {
		return nil, fmt.Errorf("metastore %s: %w", dir, err)
	}
	s := &Embedded{fs: fs, dir: dir, tree: map[string]node{}}
	b, err := readFile(fs, fs.PathJoin(dir, fileName))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("metastore %s: %w", dir, err)
	}
	if err == nil {
		if s.tree, err = decodeTree(b); err != nil {
			return nil, fmt.Errorf("metastore %s: %w", fs.PathJoin(dir, fileName), err)
		}
	}
	return s, nil
}

func readFile(fs vfs.FS, name string) ([]byte, error) {
	f, err := fs.Open(name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(f)
	return b, errors.Join(err, f.Close())
}

func encodeTree(tree map[string]node) []byte {
	b := value.NewBuilder(value.KindMap, len(tree))
	for path, n := range tree {
		b.Put(value.String(path), value.List(value.Int(int64(n.version)), value.Bytes(n.data)))
	}
	body := value.Encode(b.Done())
	sum := crc32.Checksum(body, castagnoli)
	out := append([]byte(fileMagic), fileVersion, byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum))
	return append(out, body...)
}

func decodeTree(b []byte) (map[string]node, error) {
	n := len(fileMagic)
	if len(b) < n+5 || string(b[:n]) != fileMagic {
		return nil, fmt.Errorf("%w: not a metastore file", ErrCorrupt)
	}
	if b[n] > fileVersion {
		return nil, fmt.Errorf("%w: %d, this program knows %d", ErrNewerFormat, b[n], fileVersion)
	}
	want := uint32(b[n+1])<<24 | uint32(b[n+2])<<16 | uint32(b[n+3])<<8 | uint32(b[n+4])
	if sum := crc32.Checksum(b[n+5:], castagnoli); sum != want {
		return nil, fmt.Errorf("%w: checksum %08x, the file says %08x", ErrCorrupt, sum, want)
	}
	v, err := value.Decode(b[n+5:])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if v.Kind() != value.KindMap {
		return nil, fmt.Errorf("%w: holds a %s", ErrCorrupt, v.Kind())
	}
	tree := make(map[string]node, v.Len())
	for path, e := range v.Pairs() {
		if path.Kind() != value.KindString || e.Kind() != value.KindList || e.Len() != 2 ||
			e.Index(0).Kind() != value.KindInt || e.Index(1).Kind() != value.KindBytes {
			return nil, fmt.Errorf("%w: node %s", ErrCorrupt, path)
		}
		tree[strings.Clone(path.AsString())] = node{Version(e.Index(0).AsInt()), slices.Clone(e.Index(1).AsBytes())}
	}
	return tree, nil
}

// Get returns a node's data and version.
func (s *Embedded) Get(path string) ([]byte, Version, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, 0, s.err
	}
	n, ok := s.tree[path]
	if !ok {
		return nil, 0, fmt.Errorf("%w: %s", ErrNoNode, path)
	}
	return slices.Clone(n.data), n.version, nil
}

// Create makes a node.
func (s *Embedded) Create(path string, data []byte) error {
	if err := check(path, data); err != nil {
		return err
	}
	return s.change(func(tree map[string]node) error {
		if _, ok := tree[path]; ok {
			return fmt.Errorf("%w: %s", ErrNodeExists, path)
		}
		if parent := path[:strings.LastIndexByte(path, '/')]; parent != "" {
			if _, ok := tree[parent]; !ok {
				return fmt.Errorf("%w: %s", ErrNoNode, parent)
			}
		}
		tree[path] = node{0, slices.Clone(data)}
		return nil
	})
}

// Set replaces the data of a node that has the version.
func (s *Embedded) Set(path string, data []byte, v Version) (Version, error) {
	if err := check(path, data); err != nil {
		return 0, err
	}
	err := s.change(func(tree map[string]node) error {
		if err := has(tree, path, v); err != nil {
			return err
		}
		tree[path] = node{v + 1, slices.Clone(data)}
		return nil
	})
	return v + 1, err
}

// Delete removes a node without children that has the version.
func (s *Embedded) Delete(path string, v Version) error {
	return s.change(func(tree map[string]node) error {
		if err := has(tree, path, v); err != nil {
			return err
		}
		for p := range tree {
			if strings.HasPrefix(p, path+"/") {
				return fmt.Errorf("%w: %s", ErrNotEmpty, path)
			}
		}
		delete(tree, path)
		return nil
	})
}

// Children lists the names of a node's children.
func (s *Embedded) Children(path string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	if _, ok := s.tree[path]; !ok && path != "/" {
		return nil, fmt.Errorf("%w: %s", ErrNoNode, path)
	}
	prefix := strings.TrimSuffix(path, "/") + "/"
	var names []string
	for p := range s.tree {
		if rest, ok := strings.CutPrefix(p, prefix); ok && !strings.Contains(rest, "/") {
			names = append(names, rest)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Close ends the use of the store.
func (s *Embedded) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = ErrClosed
	}
	return nil
}

func check(path string, data []byte) error {
	if len(data) > MaxData {
		return fmt.Errorf("%w: %s: %d bytes, the limit is %d", ErrTooLarge, path, len(data), MaxData)
	}
	return CheckPath(path)
}

func has(tree map[string]node, path string, v Version) error {
	n, ok := tree[path]
	if !ok {
		return fmt.Errorf("%w: %s", ErrNoNode, path)
	}
	if n.version != v {
		return fmt.Errorf("%w: %s has version %d, not %d", ErrBadVersion, path, n.version, v)
	}
	return nil
}

// change alters a copy of the tree, makes it durable, and then lets it take the
// old one's place. After a failed write nobody knows what the file holds, so the
// store is at its end.
func (s *Embedded) change(alter func(map[string]node) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	tree := maps.Clone(s.tree)
	if err := alter(tree); err != nil {
		return err
	}
	if err := s.write(encodeTree(tree)); err != nil {
		s.err = fmt.Errorf("%w: %w", ErrClosed, err)
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	s.tree = tree
	return nil
}

func (s *Embedded) write(b []byte) error {
	temp := s.fs.PathJoin(s.dir, tempName)
	f, err := s.fs.Create(temp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := s.fs.Rename(temp, s.fs.PathJoin(s.dir, fileName)); err != nil {
		return err
	}
	return syncDir(s.fs, s.dir)
}

// syncDir makes the names in a directory durable.
func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
