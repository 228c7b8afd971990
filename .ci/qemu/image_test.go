package qemu

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The parts of machines, built once in the folder work.
var (
	work    string
	kernel  string // vmlinuz, with the header that boot loaders need
	vmlinux string // unpacked; boots twice as fast, without firmware
	modules string // the kernel's module folder
)

// unpackPackage unpacks Debian's kernel package, named by KERNEL_DEB or else
// downloaded.
func unpackPackage() error {
	deb := os.Getenv("KERNEL_DEB")
	if deb == "" {
		out, err := exec.Command("sh", "-c", "cd "+work+` && apt-get download -q $(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image/ {print $2; exit}') >&2 && ls linux-image-*.deb`).Output()
		if err != nil {
			return fmt.Errorf("download a kernel: %w", err)
		}
		deb = filepath.Join(work, strings.TrimSpace(string(out)))
	}
	root := filepath.Join(work, "kernel")
	if out, err := exec.Command("dpkg", "-x", deb, root).CombinedOutput(); err != nil {
		return fmt.Errorf("unpack the kernel: %w: %s", err, out)
	}
	for _, p := range []struct {
		pattern string
		to      *string
	}{{"boot/vmlinuz-*", &kernel}, {"lib/modules/*", &modules}} {
		found, err := filepath.Glob(filepath.Join(root, p.pattern))
		if err != nil || len(found) != 1 {
			return fmt.Errorf("%s: %v %v", p.pattern, found, err)
		}
		*p.to = found[0]
	}
	if out, err := exec.Command("depmod", "-b", root, filepath.Base(modules)).CombinedOutput(); err != nil {
		return fmt.Errorf("depmod: %w: %s", err, out)
	}
	return unpackKernel()
}

// unpackKernel unpacks the compressed kernel inside vmlinuz.
func unpackKernel() error {
	data, err := os.ReadFile(kernel)
	if err != nil {
		return err
	}
	at := bytes.Index(data, []byte("\xfd7zXZ\x00"))
	if at < 0 {
		return fmt.Errorf("no xz stream in %s", kernel)
	}
	cmd := exec.Command("xz", "-dc", "--single-stream")
	cmd.Stdin = bytes.NewReader(data[at:])
	elf, _ := cmd.Output() // xz fails on what follows the stream
	if !bytes.HasPrefix(elf, []byte("\x7fELF")) {
		return fmt.Errorf("%s: unpacked data is not an ELF file", kernel)
	}
	vmlinux = filepath.Join(work, "vmlinux")
	return os.WriteFile(vmlinux, elf, 0o644)
}

// withDependencies returns modules and their dependencies in loading order.
// Parameters of a module follow its name after a colon.
func withDependencies(names []string) ([]string, error) {
	dep, err := os.ReadFile(filepath.Join(modules, "modules.dep"))
	if err != nil {
		return nil, err
	}
	needs := map[string][]string{} // by name
	name := func(path string) string {
		return strings.ReplaceAll(strings.TrimSuffix(filepath.Base(path), ".ko"), "-", "_")
	}
	for line := range strings.Lines(string(dep)) {
		m, rest, _ := strings.Cut(line, ":")
		list := []string{m}
		list = append(list, strings.Fields(rest)...)
		needs[name(m)] = list
	}
	var order []string
	seen := map[string]bool{}
	for _, n := range names {
		bare, options, _ := strings.Cut(n, ":")
		list, ok := needs[bare]
		if !ok {
			return nil, fmt.Errorf("no module %s", bare)
		}
		for i := len(list) - 1; i >= 0; i-- { // modules.dep lists the first to load last
			m := name(list[i])
			if seen[m] {
				continue
			}
			seen[m] = true
			if m == bare && options != "" {
				m += ":" + options
			}
			order = append(order, m)
		}
	}
	return order, nil
}

// initramfsModules are the modules in the initramfs.
var initramfsModules = []string{"bochs", "virtio_pci", "virtio_gpu", "cirrus", "evdev", "virtio_input", "crc32_generic", "crc32c_generic", "virtio_blk", "ext4", "f2fs", "virtio_net", "vivid", "snd_hda_codec_generic", "snd_hda_intel"}

// build builds a program of a module for a machine.
func build(module, program, to string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", to, program)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w: %s", program, err, out)
	}
	return nil
}

// initramfs packs the guest, pickerd and the modules, and returns its path.
func initramfs() (string, error) {
	root := filepath.Join(work, "root")
	for _, d := range []string{"modules", "dev", "proc", "sys", "tmp"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			return "", err
		}
	}
	for _, b := range [][3]string{{".", "./guest", "init"}, {"../..", "./cmd/pickerd", "pickerd"}} {
		if err := build(b[0], b[1], filepath.Join(root, b[2])); err != nil {
			return "", err
		}
	}
	order, err := withDependencies(initramfsModules)
	if err != nil {
		return "", err
	}
	find := exec.Command("find", modules, "-name", "*.ko")
	list, err := find.Output()
	if err != nil {
		return "", err
	}
	for path := range strings.FieldsSeq(string(list)) {
		name := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(path), ".ko"), "-", "_")
		for _, m := range order {
			if m != name {
				continue
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return "", err
			}
			if err := os.WriteFile(filepath.Join(root, "modules", name+".ko"), data, 0o644); err != nil {
				return "", err
			}
		}
	}
	pack := exec.Command("sh", "-c", "find . | cpio -o -H newc --quiet")
	pack.Dir = root
	archive, err := pack.Output()
	if err != nil {
		return "", fmt.Errorf("pack the initramfs: %w", err)
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return "", err
	}
	if _, err := z.Write(archive); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	path := filepath.Join(work, "initramfs.gz")
	return path, os.WriteFile(path, b.Bytes(), 0o644)
}

// initrd is the path of the initramfs.
var initrd string

func TestMain(m *testing.M) {
	var err error
	if work, err = os.MkdirTemp("", "pickerd-qemu-"); err == nil {
		if err = unpackPackage(); err == nil {
			initrd, err = initramfs()
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(work)
	os.Exit(code)
}
