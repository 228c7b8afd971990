package settings

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Kinds of operations on the disk, for Config.BeforeOp. Those of package store have
// the same names.
const (
	opMkdir   = "mkdir"
	opRemove  = "remove"
	opCreate  = "create"
	opWrite   = "write"
	opSync    = "sync"
	opRename  = "rename"
	opSyncDir = "syncdir"
)

func (k *Keeper) before(kind, path string) error {
	if k.cfg.BeforeOp == nil {
		return nil
	}
	return k.cfg.BeforeOp(kind, path)
}

// write replaces a file at once: after a power cut it has the old content or the new
// one. Without data it removes the file.
func (k *Keeper) write(path string, data []byte) error {
	folder := filepath.Dir(path)
	if err := k.makeFolder(folder); err != nil {
		return err
	}
	if data == nil {
		if err := k.remove(path); err != nil {
			return err
		}
		return k.syncDir(folder)
	}
	temp := path + ".new" // not read, because of its suffix
	if err := k.remove(temp); err != nil {
		return err
	}
	if err := k.create(temp, data); err != nil {
		return err
	}
	if err := k.before(opRename, path); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	return k.syncDir(folder)
}

func (k *Keeper) makeFolder(folder string) error {
	if st, err := os.Stat(folder); err == nil && st.IsDir() {
		return nil
	}
	if err := k.before(opMkdir, folder); err != nil {
		return err
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	return k.syncDir(filepath.Dir(folder))
}

func (k *Keeper) remove(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := k.before(opRemove, path); err != nil {
		return err
	}
	return os.Remove(path)
}

// create writes a new file to the disk.
func (k *Keeper) create(path string, data []byte) error {
	if err := k.before(opCreate, path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = k.before(opWrite, path)
	if err == nil {
		_, err = f.Write(data)
	}
	if err == nil {
		err = k.before(opSync, path)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func (k *Keeper) syncDir(path string) error {
	if err := k.before(opSyncDir, path); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
