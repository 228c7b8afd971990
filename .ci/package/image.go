package main

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// nobody is the user in the container.
const nobody = 65532

// image makes a container image of a program for all arches, from scratch: the
// binary, certificates and time zones. It is an OCI layout in a tar archive.
func (r *release) image(program string, chosen []arch) error {
	var index v1.ImageIndex = mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, a := range chosen {
		img, err := r.imageOf(program, a)
		if err != nil {
			return err
		}
		p := &v1.Platform{OS: "linux", Architecture: a.goarch}
		if a.goarm != "" {
			p.Variant = "v" + a.goarm
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: p}})
	}
	dir := filepath.Join(r.stage, "oci", program)
	l, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	// One name for all platforms. A client loads its own platform.
	name := "localhost/" + program + ":" + strings.NewReplacer("~", "-", "+", "-").Replace(r.version)
	if err := l.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": name, "io.containerd.image.name": name})); err != nil {
		return err
	}
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return r.add(t, name, 0o644, data)
	})
	if err := errors.Join(err, t.Close()); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, fmt.Sprintf("%s-%s-oci.tar", program, r.version)), b.Bytes(), 0o644)
}

func (r *release) imageOf(program string, a arch) (v1.Image, error) {
	files, err := r.layer(program, a)
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files)), nil }, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if img, err = mutate.Append(img, mutate.Addendum{Layer: layer, History: v1.History{Created: v1.Time{Time: r.made}, CreatedBy: program + " " + r.version}}); err != nil {
		return nil, err
	}
	cfg, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	cfg = cfg.DeepCopy()
	cfg.OS, cfg.Architecture, cfg.Created = "linux", a.goarch, v1.Time{Time: r.made}
	if a.goarm != "" {
		cfg.Variant = "v" + a.goarm
	}
	cfg.Config = v1.Config{
		Entrypoint: []string{"/" + program}, Cmd: []string{"run"}, User: fmt.Sprint(nobody, ":", nobody), WorkingDir: "/",
		Env: []string{"PATH=/", "STATE_DIRECTORY=/var/lib/" + program, "RUNTIME_DIRECTORY=/run/" + program,
			"SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt", "ZONEINFO=/usr/share/zoneinfo.zip"},
		Volumes: map[string]struct{}{"/var/lib/" + program: {}},
		Labels: map[string]string{"org.opencontainers.image.title": program, "org.opencontainers.image.version": r.version,
			"org.opencontainers.image.licenses": "Apache-2.0"},
		StopSignal: "SIGTERM",
	}
	return mutate.ConfigFile(img, cfg)
}

// layer is the file system of a container.
func (r *release) layer(program string, a arch) ([]byte, error) {
	binary, err := os.ReadFile(r.binary(program, a))
	if err != nil {
		return nil, err
	}
	root, err := output("", "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	zones, err := os.ReadFile(filepath.Join(root, "lib/time/zoneinfo.zip"))
	if err != nil {
		return nil, err
	}
	var roots bytes.Buffer
	for c := range bundle.Roots() {
		if c.Constraint == nil { // PEM has no constraints
			_ = pem.Encode(&roots, &pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate})
		}
	}
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	dir := func(name string, mode int64, owner int) error {
		return t.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: mode, Uid: owner, Gid: owner, ModTime: r.made, Format: tar.FormatPAX})
	}
	err = errors.Join(
		dir("etc/", 0o755, 0), dir("etc/"+program+"/", 0o755, 0), dir("etc/ssl/", 0o755, 0), dir("etc/ssl/certs/", 0o755, 0),
		dir("run/", 0o755, 0), dir("run/"+program+"/", 0o755, nobody), dir("tmp/", 0o1777, 0), dir("usr/", 0o755, 0), dir("usr/share/", 0o755, 0),
		dir("var/", 0o755, 0), dir("var/lib/", 0o755, 0), dir("var/lib/"+program+"/", 0o700, nobody),
		r.add(t, "etc/passwd", 0o644, fmt.Appendf(nil, "root:x:0:0:root:/:/none\n%[2]s:x:%[1]d:%[1]d:%[2]s:/var/lib/%[2]s:/none\n", nobody, program)),
		r.add(t, "etc/group", 0o644, fmt.Appendf(nil, "root:x:0:\n%s:x:%d:\n", program, nobody)),
		r.add(t, "etc/ssl/certs/ca-certificates.crt", 0o644, roots.Bytes()),
		r.add(t, "usr/share/zoneinfo.zip", 0o644, zones),
		r.add(t, program, 0o755, binary),
		t.Close(),
	)
	return b.Bytes(), err
}
