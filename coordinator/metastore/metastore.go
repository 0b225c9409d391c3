// Package metastore is where a cluster keeps what its members must agree on: who
// leads a task group, which replicas are in sync, what is assigned where, the
// options that operators set. It is small, and nothing of the data path goes
// through it.
//
// A Store is a tree of nodes as ZooKeeper has it: paths, data, and a version that
// counts a node's changes. A write names the version that it replaces, so that of
// two writers who read the same state one loses and knows it.
package metastore

import (
	"errors"
	"fmt"
	"strings"
)

// Errors of a Store.
var (
	// ErrNoNode: there is no such node, or not its parent.
	ErrNoNode = errors.New("no such node")
	// ErrNodeExists: the node to be created is there.
	ErrNodeExists = errors.New("node exists")
	// ErrBadVersion: the node has another version; nothing was written.
	ErrBadVersion = errors.New("version conflict")
	// ErrNotEmpty: the node to be deleted has children.
	ErrNotEmpty = errors.New("node has children")
	// ErrUnknown: the connection was lost; the write may have happened.
	ErrUnknown = errors.New("outcome of a metastore write unknown")
	// ErrBadPath: the path is none.
	ErrBadPath = errors.New("bad node path")
	// ErrTooLarge: data beyond MaxData.
	ErrTooLarge = errors.New("node too large")
	// ErrClosed: the store was closed, or failed.
	ErrClosed = errors.New("metastore closed")
	// ErrCorrupt: the store's file is damaged.
	ErrCorrupt = errors.New("metastore corrupt")
	// ErrNewerFormat: the store's file is of a newer version.
	ErrNewerFormat = errors.New("metastore has a newer format")
)

// MaxData bounds the data of a node, in bytes: well below ZooKeeper's limit of
// 1 MiB for a packet. Large things belong into files.
const MaxData = 256 << 10

// Version counts the changes of a node, from 0 at its creation.
type Version int32

// Store is a metastore. It may be used by several goroutines.
type Store interface {
	// Get returns a node's data and version.
	Get(path string) ([]byte, Version, error)
	// Create makes a node. Its parent must exist, save the root's children.
	Create(path string, data []byte) error
	// Set replaces the data of a node that has the version, and returns the new one.
	Set(path string, data []byte, v Version) (Version, error)
	// Delete removes a node without children that has the version.
	Delete(path string, v Version) error
	// Children lists the names of a node's children, sorted.
	Children(path string) ([]string, error)
	Close() error
}

// CheckPath says what is wrong with a path: it begins with a slash, does not end
// with one, and no name in it is empty, "." or "..".
func CheckPath(path string) error {
	if !strings.HasPrefix(path, "/") {
		return fmt.Errorf("%w: %q does not begin with a slash", ErrBadPath, path)
	}
	for name := range strings.SplitSeq(path[1:], "/") {
		if name == "" || name == "." || name == ".." || strings.ContainsRune(name, 0) {
			return fmt.Errorf("%w: %q", ErrBadPath, path)
		}
	}
	return nil
}

// Ensure creates a node, and the nodes above it, where they are not there. The
// node is created with data; one that is there keeps its own.
func Ensure(s Store, path string, data []byte) error {
	if err := CheckPath(path); err != nil {
		return err
	}
	for i := 1; i < len(path); i++ {
		if path[i] != '/' {
			continue
		}
		if err := s.Create(path[:i], nil); err != nil && !errors.Is(err, ErrNodeExists) {
			return err
		}
	}
	if err := s.Create(path, data); err != nil && !errors.Is(err, ErrNodeExists) {
		return err
	}
	return nil
}
