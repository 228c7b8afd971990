package qemu

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pickerd/.ci/qemu/google"
)

// debianRoot makes the folder that Debian machines' disks are copied from: a small
// system, the agent, and pickerd's packages, not installed yet. DEBIAN_ROOT may
// name a folder that debootstrap has filled before.
//
// Generators of systemd that find nothing on such a disk are masked: on a machine
// without KVM a reload of systemd waits many seconds for them.
var debianRoot = sync.OnceValues(func() (string, error) {
	root := filepath.Join(work, "debian")
	var script string
	if old := os.Getenv("DEBIAN_ROOT"); old != "" {
		script = "cp -a " + old + " " + root
	} else {
		script = "debootstrap --variant=minbase --include=systemd,systemd-sysv,udev,dbus,libnss-systemd,iproute2,ca-certificates bookworm " + root
	}
	if err := shell(script); err != nil {
		return "", err
	}
	packages := filepath.Join(root, "packages")
	if err := shell("cd ../package && go run . --arch amd64 --format deb --out " + packages + " && go run . --arch amd64 --format deb --version 99.0.0 --out " + packages + "/next"); err != nil {
		return "", err
	}
	for path, text := range map[string]string{
		"etc/hostname":   "frame\n",
		"etc/machine-id": "",
		"etc/fstab":      "/dev/vda / ext4 rw 0 1\n",
		"etc/systemd/network/10-test.network": "[Match]\nType=ether\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\n" +
			"LinkLocalAddressing=no\nIPv6AcceptRA=no\n",
		"etc/systemd/system/agent.service": "[Unit]\nDescription=Runs the commands of the test\nAfter=basic.target\n[Service]\nExecStart=/usr/local/bin/agent agent\nRestart=always\n[Install]\nWantedBy=multi-user.target\n",
	} {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	return root, shell("cp " + filepath.Join(work, "root", "init") + " " + filepath.Join(root, "usr/local/bin/agent") + " && chroot " + root +
		" systemctl enable agent.service systemd-networkd.service && chroot " + root + " systemctl mask systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service && cd " + root + " && mkdir -p etc/systemd/system-generators && " +
		"for g in bless-boot cryptsetup getty gpt-auto hibernate-resume integritysetup rc-local run system-update sysv veritysetup; do ln -s /dev/null etc/systemd/system-generators/systemd-$g-generator; done")
})

// shell runs a script on the host.
func shell(script string) error {
	cmd := exec.Command("sh", "-c", script)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", script, err, out[max(0, len(out)-4000):])
	}
	return nil
}

// An installation is the disk of a Debian machine, and the Google that the machine
// reaches.
type installation struct {
	*google.Google
	t       *testing.T
	disk    string
	forward string // further options of QEMU's network
}

// newInstallation makes a disk and serves Google at the address under which
// machines reach the host.
func newInstallation(t *testing.T) *installation {
	t.Helper()
	root, err := debianRoot()
	if err != nil {
		t.Fatal(err)
	}
	in := serveGoogle(t)
	if err := in.makeDisk(root); err != nil {
		t.Fatal(err)
	}
	return in
}

// serveGoogle is newInstallation without a disk.
func serveGoogle(t *testing.T) *installation {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	in := &installation{t: t, disk: filepath.Join(t.TempDir(), "disk")}
	if in.Google, err = google.New(fmt.Sprintf("10.0.2.2:%d", l.Addr().(*net.TCPAddr).Port)); err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: in.Handler()}
	served := make(chan struct{})
	go func() { defer close(served); _ = srv.Serve(l) }()
	t.Cleanup(func() { srv.Close(); <-served })
	return in
}

// makeDisk makes the disk from a folder.
func (in *installation) makeDisk(root string) error {
	return shell("mke2fs -q -t ext4 -d " + root + " " + in.disk + " 3G")
}

// boot starts the machine.
func (in *installation) boot() *machine {
	in.t.Helper()
	m := boot(in.t, board{
		args: []string{"-vga", "std", "-smp", "2", "-drive", "file=" + in.disk + ",format=raw,if=none,id=disk", "-device", "virtio-blk-pci,drive=disk",
			"-netdev", "user,id=net" + in.forward, "-device", "virtio-net-pci,netdev=net"},
		modules: []string{"crc32c_generic", "virtio_pci", "virtio_blk", "ext4", "virtio_net", "evdev", "bochs"},
		append:  "disk=/dev/vda rw systemd.show_status=0 systemd.journald.forward_to_console=1",
	})
	m.debian = true
	return m
}

// run runs a shell command in the machine and returns its output.
func (m *machine) run(command string) string {
	m.t.Helper()
	answer := strings.TrimSuffix(m.tell("run "+command), " |") // the newline at its end
	return strings.TrimSpace(strings.ReplaceAll(answer, " | ", "\n"))
}
