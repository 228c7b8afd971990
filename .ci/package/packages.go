package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/apk"
	_ "github.com/goreleaser/nfpm/v2/deb"
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

// units is the folder of unit files and udev rules, by package format.
var units = map[string][2]string{
	"deb": {"/lib/systemd/system", "/lib/udev/rules.d"},
	"rpm": {"/usr/lib/systemd/system", "/usr/lib/udev/rules.d"},
	"apk": {"/usr/lib/systemd/system", "/usr/lib/udev/rules.d"},
}

// formats are those of packages.
var formats = []string{"deb", "rpm", "apk"}

// packages makes the packages of an arch, and if also is set those for all arches.
func (r *release) packages(a arch, also bool) error {
	for _, program := range programs {
		if err := errors.Join(copyFile(filepath.Join(r.stage, program), r.binary(program, a), 0o755), r.copy(program+".cdx.json", r.bom(program, a))); err != nil {
			return err
		}
	}
	for _, format := range formats {
		if r.format != "" && format != r.format {
			continue
		}
		names := []string{"pickerd"}
		if format != "apk" { // most others need systemd
			names = append(names, "pickerd-gateway", "pickerd-media", "pickerd-fleet")
			if also {
				names = append(names, "pickerd-framebuffer", "pickerd-kiosk", "pickerd-wifi")
			}
		}
		for _, name := range names {
			if err := r.pack(format, name, a); err != nil {
				return fmt.Errorf("%s.%s: %w", name, format, err)
			}
		}
	}
	for _, program := range programs {
		if err := copyFile(filepath.Join(r.out, fmt.Sprintf("%s-%s-linux-%s.cdx.json", program, r.version, a.name)), r.bom(program, a), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// pack makes a package from its description.
func (r *release) pack(format, name string, a arch) error {
	description, err := os.Open(filepath.Join(r.root, ".ci/package", name+".yaml"))
	if err != nil {
		return err
	}
	defer description.Close()
	version := r.version
	if format == "apk" { // its versions have no tilde; _git and _rc sort before the release
		version, _, _ = strings.Cut(strings.ReplaceAll(version, "~", "_"), "+")
		if before, commit, ok := strings.Cut(version, "_git"); ok {
			date, _, _ := strings.Cut(commit, ".")
			version = before + "_git" + date
		}
	}
	cfg, err := nfpm.ParseWithEnvMapping(description, func(v string) string {
		return map[string]string{"ARCH": a.name, "VERSION": version, "MAINTAINER": r.by, "UNITS": units[format][0], "UDEV": units[format][1]}[v]
	})
	if err != nil {
		return err
	}
	info, err := cfg.Get(format)
	if err != nil {
		return err
	}
	info.MTime = r.made
	if info.Arch == "armhf" { // nfpm expects the name in Go
		info.Arch = "arm6"
	}
	info = nfpm.WithDefaults(info)
	p, err := nfpm.Get(format)
	if err != nil {
		return err
	}
	if err := nfpm.PrepareForPackager(info, format); err != nil {
		return err
	}
	for _, c := range info.Contents {
		c.FileInfo.MTime = r.made
	}
	var b bytes.Buffer
	if err := p.Package(info, &b); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, p.ConventionalFileName(info)), b.Bytes(), 0o644)
}

// A staged file is one of the stage with its place in an archive.
type staged struct {
	from, to string
	mode     int64
}

// tarball makes an archive for systems without packages, to be unpacked at /.
func (r *release) tarball(a arch) error {
	name := fmt.Sprintf("pickerd-%s-linux-%s", r.version, a.name)
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	made := map[string]bool{}
	files := []staged{
		{"pickerd", "usr/bin/pickerd", 0o755},
		{"pickerd.toml", "usr/share/doc/pickerd/examples/pickerd.toml", 0o644},
		{"systemd/pickerd.service", "usr/lib/systemd/system/pickerd.service", 0o644},
		{"systemd/pickerd.path", "usr/lib/systemd/system/pickerd.path", 0o644},
		{"systemd/pickerd-configured.service", "usr/lib/systemd/system/pickerd-configured.service", 0o644},
		{"systemd/pickerd.socket", "usr/lib/systemd/system/pickerd.socket", 0o644},
		{"systemd/pickerd.sysusers", "usr/lib/sysusers.d/pickerd.conf", 0o644},
		{"systemd/pickerd.tmpfiles", "usr/lib/tmpfiles.d/pickerd.conf", 0o644},
		{"systemd/pickerd.openrc", "usr/share/doc/pickerd/examples/pickerd.openrc", 0o755},
		{"systemd/pickerd-kiosk.service", "usr/share/doc/pickerd/examples/pickerd-kiosk.service", 0o644},
		{"systemd/pickerd-kiosk.sysusers", "usr/share/doc/pickerd/examples/pickerd-kiosk.sysusers", 0o644},
		{"systemd/framebuffer.conf", "usr/share/doc/pickerd/examples/framebuffer.conf", 0o644},
		{"systemd/70-pickerd.rules", "usr/share/doc/pickerd/examples/70-pickerd.rules", 0o644},
		{"systemd/wifi.conf", "usr/share/doc/pickerd/examples/wifi.conf", 0o644},
		{"systemd/media.conf", "usr/share/doc/pickerd/examples/media.conf", 0o644},
		{"systemd/pickerd-media.socket", "usr/share/doc/pickerd/examples/pickerd-media.socket", 0o644},
		{"systemd/pickerd-media@.service", "usr/share/doc/pickerd/examples/pickerd-media@.service", 0o644},
		{"systemd/pickerd-wifi.socket", "usr/share/doc/pickerd/examples/pickerd-wifi.socket", 0o644},
		{"systemd/60-pickerd.rules", "usr/share/doc/pickerd/examples/60-pickerd.rules", 0o644},
		{"systemd/dnsmasq-pickerd.conf", "usr/share/doc/pickerd/examples/dnsmasq-pickerd.conf", 0o644},
		{"examples/grafana.json", "usr/share/doc/pickerd/examples/grafana.json", 0o644},
		{"examples/alerts.yml", "usr/share/doc/pickerd/examples/alerts.yml", 0o644},
		{"pickerd.1.gz", "usr/share/man/man1/pickerd.1.gz", 0o644},
		{"pickerd.toml.5.gz", "usr/share/man/man5/pickerd.toml.5.gz", 0o644},
		{"completion.bash", "usr/share/bash-completion/completions/pickerd", 0o644},
		{"completion.zsh", "usr/share/zsh/site-functions/_pickerd", 0o644},
		{"completion.fish", "usr/share/fish/vendor_completions.d/pickerd.fish", 0o644},
		{"LICENSE", "usr/share/doc/pickerd/LICENSE", 0o644},
		{"copyright", "usr/share/doc/pickerd/copyright", 0o644},
		{"notices.gz", "usr/share/doc/pickerd/THIRD-PARTY.gz", 0o644},
		{"pickerd.cdx.json", "usr/share/doc/pickerd/pickerd.cdx.json", 0o644},
	}
	names, err := documentNames("documents")
	if err != nil {
		return err
	}
	for _, name := range names {
		files = append(files, staged{path.Join("documents", name), path.Join("usr/share/doc/pickerd", name), 0o644})
	}
	for _, f := range files {
		data, err := os.ReadFile(f.from)
		if err != nil {
			return err
		}
		if err := errors.Join(r.folders(t, f.to, made), r.add(t, f.to, f.mode, data)); err != nil {
			return err
		}
	}
	if err := errors.Join(t.Close(), z.Close()); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, name+".tar.gz"), b.Bytes(), 0o644)
}

// folders writes the folders of a file, so that their modes do not depend on an umask.
func (r *release) folders(t *tar.Writer, name string, made map[string]bool) error {
	dir := path.Dir(name)
	if dir == "." || made[dir] {
		return nil
	}
	made[dir] = true
	return errors.Join(r.folders(t, dir, made),
		t.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755, ModTime: r.made, Uname: "root", Gname: "root", Format: tar.FormatPAX}))
}

// add writes a file owned by root into an archive.
func (r *release) add(t *tar.Writer, name string, mode int64, data []byte) error {
	h := &tar.Header{Name: name, Mode: mode, Size: int64(len(data)), ModTime: r.made, Uname: "root", Gname: "root", Format: tar.FormatPAX}
	if err := t.WriteHeader(h); err != nil {
		return err
	}
	_, err := t.Write(data)
	return err
}
