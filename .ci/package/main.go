// Command package makes the artifacts of a release: packages for Debian, RPM and
// Alpine, tarballs, a container image, bills of materials, and checksums. One commit
// gives the same bytes everywhere.
package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// An arch is an architecture under its different names. Raspberry Pi OS calls ARMv6
// armhf.
type arch struct {
	name   string // Debian's
	goarch string
	goarm  string
}

var arches = []arch{{"amd64", "amd64", ""}, {"arm64", "arm64", ""}, {"armhf", "arm", "6"}}

// A release is a set of artifacts and their sources.
type release struct {
	root    string // of the repository
	out     string
	stage   string // a folder for the contents of packages
	version string // of packages: 1.2.3, or between versions 0.0.0~git20260102030405.abcdef012345
	made    time.Time
	by      string // the maintainer
	format  string // of the packages, and nothing else is made; or empty
}

func main() {
	out := flag.String("out", "", "the `folder` to write to, which is emptied first; default: dist in the repository")
	version := flag.String("version", "", "of the packages; default: the tag vX.Y.Z of HEAD, or its date and commit")
	by := flag.String("maintainer", "The pickerd authors <pickerd@example.org>", "the `address` in the packages")
	only := flag.String("arch", "", "one of amd64, arm64, armhf; default: that of this machine")
	all := flag.Bool("all", false, "build for all three architectures")
	format := flag.String("format", "", "deb, rpm or apk: only such packages; default: all of them, tarballs and container images")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "package: unexpected argument %q\n", flag.Arg(0))
		os.Exit(64)
	}
	if *all && *only != "" {
		fmt.Fprintln(os.Stderr, "package: --all and --arch exclude each other")
		os.Exit(64)
	}
	if *format != "" && !slices.Contains(formats, *format) {
		fmt.Fprintf(os.Stderr, "package: unknown format %q; choose deb, rpm or apk\n", *format)
		os.Exit(64)
	}
	chosen, err := choose(*only, *all, runtime.GOARCH)
	if err != nil {
		fmt.Fprintln(os.Stderr, "package:", err)
		os.Exit(64)
	}
	if err := run(*out, *version, *by, *format, chosen); err != nil {
		fmt.Fprintln(os.Stderr, "package:", err)
		os.Exit(1)
	}
}

// choose returns the architectures to build for: the one of that name, all of them, or
// that of a machine by its name in Go.
func choose(name string, all bool, goarch string) ([]arch, error) {
	var chosen []arch
	for _, a := range arches {
		if all || a.name == name || name == "" && a.goarch == goarch {
			chosen = append(chosen, a)
		}
	}
	switch {
	case len(chosen) > 0:
		return chosen, nil
	case name == "":
		return nil, fmt.Errorf("there are no packages for %s; choose one with --arch: amd64, arm64 or armhf", goarch)
	}
	return nil, fmt.Errorf("unknown architecture %q; choose amd64, arm64 or armhf", name)
}

// say prints what is being done.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "package: "+format+"\n", args...) }

func run(out, version, by, format string, chosen []arch) (err error) {
	r := &release{by: by, format: format}
	if r.root, err = output("", "git", "rev-parse", "--show-toplevel"); err != nil {
		return err
	}
	if r.out, err = filepath.Abs(cmp.Or(out, filepath.Join(r.root, "dist"))); err != nil {
		return err
	}
	if r.stage, err = os.MkdirTemp("", "pickerd-package-"); err != nil {
		return err
	}
	defer os.RemoveAll(r.stage)
	if err := r.date(version); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(r.out), os.MkdirAll(r.out, 0o755)); err != nil {
		return err
	}
	say("version %s, into %s", r.version, r.out)
	var g errgroup.Group
	g.SetLimit(2)
	for _, a := range chosen {
		for _, program := range programs {
			g.Go(func() error {
				say("building %s for %s", program, a.name)
				return r.build(program, a)
			})
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	say("writing the documents")
	if err := r.layOut(); err != nil {
		return err
	}
	if err := r.age(); err != nil {
		return err
	}
	// nfpm's sources are relative to the working folder.
	if err := os.Chdir(r.stage); err != nil {
		return err
	}
	for i, a := range chosen {
		say("packing for %s", a.name)
		if err := r.packages(a, i == 0); err != nil {
			return err
		}
		if r.format != "" {
			continue
		}
		if err := r.tarball(a); err != nil {
			return err
		}
	}
	if r.format != "" {
		return r.checksums()
	}
	for _, program := range images {
		say("making the container image of %s", program)
		if err := r.image(program, chosen); err != nil {
			return err
		}
	}
	return r.checksums()
}

// versions are the versions that every package format accepts.
var versions = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+(~[a-z0-9.]+)?$`)

// date sets the version, and the time of all files to that of the commit.
func (r *release) date(version string) error {
	text, err := output(r.root, "git", "log", "-1", "--format=%ct %H")
	if err != nil {
		return err
	}
	var unix int64
	var commit string
	if _, err := fmt.Sscan(text, &unix, &commit); err != nil {
		return err
	}
	r.made = time.Unix(unix, 0).UTC()
	if version == "" {
		tag, _ := output(r.root, "git", "describe", "--exact-match", "--tags", "--match", "v*")
		version = cmp.Or(strings.TrimPrefix(tag, "v"), "0.0.0~git"+r.made.Format("20060102150405")+"."+commit[:12])
	}
	// A release candidate sorts before its release.
	r.version = strings.Replace(version, "-", "~", 1)
	if !versions.MatchString(r.version) {
		return fmt.Errorf("version %q is not like 1.2.3 or 1.2.3-rc1", version)
	}
	changed, err := output(r.root, "git", "status", "--porcelain")
	if err != nil {
		return err
	}
	if changed != "" {
		r.version += "+dirty"
		fmt.Fprintf(os.Stderr, "package: not reproducible, these files differ from the commit:\n%s\n", changed)
	}
	return nil
}

// programs are the binaries. Those in images have a container image each.
var (
	programs = []string{"pickerd", "pickerd-gateway", "pickerd-media", "pickerd-fleet"}
	images   = programs[:2]
)

func (r *release) binary(program string, a arch) string {
	return filepath.Join(r.stage, "bin", a.name, program)
}

func (r *release) bom(program string, a arch) string { return r.binary(program, a) + ".cdx.json" }

// build builds a program for an arch, and its bill of materials.
func (r *release) build(program string, a arch) error {
	env := []string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=" + a.goarch, "GOARM=" + a.goarm, "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=", "GOENV=off", "GOEXPERIMENT="}
	if err := do(r.root, env, "go", "build", "-trimpath", "-buildvcs=true", "-ldflags=-s -w -buildid= -X main.packaged="+r.version, "-o", r.binary(program, a), "./cmd/"+program); err != nil {
		return err
	}
	// CycloneDX, from the module list in the binary.
	return do(filepath.Join(r.root, ".ci/package"), nil, "go", "tool", "cyclonedx-gomod", "bin", "-json", "-std", "-noserial", "-notimestamp", "-version", r.version, "-output", r.bom(program, a), r.binary(program, a))
}

// layOut fills the stage with what all arches share.
func (r *release) layOut() error {
	// The documents are printed by the commands.
	host := filepath.Join(r.stage, "host") + "/"
	if err := do(r.root, []string{"CGO_ENABLED=0", "GOFLAGS="}, "go", "build", "-buildvcs=true", "-o", host, "./cmd/pickerd", "./cmd/pickerd-gateway", "./cmd/pickerd-fleet"); err != nil {
		return err
	}
	for file, args := range map[string][]string{
		"pickerd.1.gz": {"pickerd", "man"}, "pickerd.toml.5.gz": {"pickerd", "man-toml"}, "pickerd.toml": {"pickerd", "config", "default"},
		"completion.bash": {"pickerd", "completion", "bash"}, "completion.zsh": {"pickerd", "completion", "zsh"}, "completion.fish": {"pickerd", "completion", "fish"},
		"pickerd-gateway.8.gz": {"pickerd-gateway", "man"}, "pickerd-fleet.1.gz": {"pickerd-fleet", "man"},
	} {
		text, err := exec.Command(host+args[0], args[1:]...).Output()
		if err != nil {
			return fmt.Errorf("%s: %w", strings.Join(args, " "), err)
		}
		if strings.HasSuffix(file, ".gz") {
			text = zip(text)
		}
		if err := r.write(file, text); err != nil {
			return err
		}
	}
	font, err := os.ReadFile(filepath.Join(r.root, "display/typeface/fonts/OFL.txt"))
	if err != nil {
		return err
	}
	name, address, _ := strings.Cut(r.by, " <")
	return errors.Join(
		r.write("changelog-gateway.gz", zip(fmt.Appendf(nil, changelog, "pickerd-gateway", r.version, name, address, r.made.Format(time.RFC1123Z)))),
		r.write("changelog-fleet.gz", zip(fmt.Appendf(nil, changelog, "pickerd-fleet", r.version, name, address, r.made.Format(time.RFC1123Z)))),
		r.write("overrides-fleet", fmt.Appendf(nil, overrides, "pickerd-fleet")),
		r.write("overrides-gateway", fmt.Appendf(nil, overrides, "pickerd-gateway")),
		r.copy("gateway.toml", filepath.Join(r.root, "cmd/pickerd-gateway/gateway.toml")),
		os.CopyFS(filepath.Join(r.stage, "deploy"), os.DirFS(filepath.Join(r.root, "cmd/pickerd-gateway/deploy"))),
		r.write("copyright", fmt.Appendf(nil, copyright, name, comment(font))),
		r.write("changelog.gz", zip(fmt.Appendf(nil, changelog, "pickerd", r.version, name, address, r.made.Format(time.RFC1123Z)))),
		r.write("overrides-media", fmt.Appendf(nil, overrides, "pickerd-media")),
		r.write("overrides", fmt.Appendf(nil, overrides, "pickerd")),
		r.notices("pickerd", "notices.gz"),
		r.notices("pickerd-gateway", "notices-gateway.gz"),
		r.notices("pickerd-media", "notices-media.gz"),
		r.notices("pickerd-fleet", "notices-fleet.gz"),
		os.CopyFS(filepath.Join(r.stage, "systemd"), os.DirFS(filepath.Join(r.root, "systemd"))),
		os.CopyFS(filepath.Join(r.stage, "examples"), os.DirFS(filepath.Join(r.root, "device/metrics/examples"))),
		os.CopyFS(filepath.Join(r.stage, "scripts"), os.DirFS(filepath.Join(r.root, ".ci/package/scripts"))),
		r.documents(),
		r.copy("LICENSE", filepath.Join(r.root, "LICENSE")),
	)
}

// documents copies README.md and those of the folders into the stage, in the
// folders that their links name. Documents for developers stay out.
func (r *release) documents() error {
	names, err := documentNames(r.root)
	if err != nil {
		return err
	}
	for _, name := range names {
		to := filepath.Join("documents", name)
		if err := errors.Join(os.MkdirAll(filepath.Join(r.stage, filepath.Dir(to)), 0o755), r.copy(to, filepath.Join(r.root, name))); err != nil {
			return err
		}
	}
	return nil
}

// documentNames returns the documents in a folder, sorted.
func documentNames(root string) ([]string, error) {
	var names []string
	for _, pattern := range []string{"README.md", "[a-z]*/README.md", "device/*/README.md", "oauthdevice/*/README.md", "cmd/*/README.md"} {
		found, err := fs.Glob(os.DirFS(root), pattern)
		if err != nil {
			return nil, err
		}
		names = append(names, found...)
	}
	slices.Sort(names)
	return names, nil
}

// age sets the time of every file in the stage to that of the commit. Some formats
// copy it.
func (r *release) age() error {
	return filepath.WalkDir(r.stage, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chtimes(path, r.made, r.made)
	})
}

const (
	copyright = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: pickerd\n\n" +
		"Files: *\nCopyright: %s\nLicense: Apache-2.0\n The whole text is in LICENSE beside this file; on Debian systems also in\n /usr/share/common-licenses/Apache-2.0.\n\n" +
		"Files: display/typeface/fonts/*\nCopyright: The Noto Project Authors\nLicense: OFL-1.1\n%s"
	changelog = "%s (%s-1) unstable; urgency=medium\n\n  * This version; what is new in it stands in the repository's history.\n\n -- %s <%s  %s\n"
	overrides = "# One file that runs on any kernel is the point of it; the bill of materials\n# beside the README says what is in it.\n%s: statically-linked-binary\n"
)

// comment indents a licence for a field of a copyright file.
func comment(text []byte) string {
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimRight(line, " \t\n"); line == "" {
			line = "."
		}
		b.WriteString(" " + line + "\n")
	}
	return b.String()
}

func (r *release) write(name string, data []byte) error {
	return os.WriteFile(filepath.Join(r.stage, name), data, 0o644)
}

// copy copies a file into the stage.
func (r *release) copy(name, from string) error {
	return copyFile(filepath.Join(r.stage, name), from, 0o644)
}

func copyFile(to, from string, mode os.FileMode) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(to, data, mode), os.Chmod(to, mode))
}

// zip compresses without a name or a time.
func zip(data []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	_, _ = z.Write(data)
	_ = z.Close()
	return b.Bytes()
}

// checksums writes SHA256SUMS of all other artifacts.
func (r *release) checksums() error {
	entries, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	var lines []string
	for _, e := range entries {
		f, err := os.Open(filepath.Join(r.out, e.Name()))
		if err != nil {
			return err
		}
		h := sha256.New()
		n, err := io.Copy(h, f)
		f.Close()
		if err != nil {
			return err
		}
		lines = append(lines, fmt.Sprintf("%x  %s\n", h.Sum(nil), e.Name()))
		fmt.Printf("%10d  %s\n", n, e.Name())
	}
	slices.SortFunc(lines, func(a, b string) int { return cmp.Compare(a[66:], b[66:]) })
	return os.WriteFile(filepath.Join(r.out, "SHA256SUMS"), []byte(strings.Join(lines, "")), 0o644)
}

// do runs a command. Its output is part of the error.
func do(dir string, env []string, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

func output(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}
