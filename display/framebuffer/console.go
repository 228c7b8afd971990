package framebuffer

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Requests and values of linux/kd.h and linux/vt.h.
const (
	kdSetMode  = 0x4b3a
	kdGetMode  = 0x4b3b
	kdText     = 0
	kdGraphics = 1
	kdGetKeys  = 0x4b44 // KDGKBMODE
	kdSetKeys  = 0x4b45 // KDSKBMODE
	keysOff    = 4
	vtGetState = 0x5603
)

// vtStat is struct vt_stat.
type vtStat struct{ Active, Signal, State uint16 }

// GuardCommand is the argument with which the program runs as the guard of the
// console: it must call Guard then, and nothing else.
const GuardCommand = "console-guard"

// A console is the virtual terminal that would write over the picture: login
// prompts, the cursor, the kernel's messages. The zero console is none at all.
type console struct {
	tty   *os.File
	keys  int32 // the mode that its keyboard was in
	guard *exec.Cmd
	alive *os.File // closed when this process ends, however it ends
}

// takeConsole switches the active console to graphics, and its keyboard off: who
// presses a key means the screen, and no shell or signal behind it. A guard, a
// process of its own, switches them back when this one ends, however it ends.
// Where there is no console, or it can't be had, nothing is in the way or nothing
// can be done. Meanwhile the kernel does not switch to another one.
func takeConsole(log *slog.Logger) *console {
	c := &console{}
	tty, err := activeVT()
	if errors.Is(err, fs.ErrNotExist) {
		return c
	}
	if err != nil {
		log.Warn("the console may write over the picture", "err", err, "hint", consoleHint)
		return c
	}
	var mode uintptr
	if err := errors.Join(ioctl(tty, kdGetMode, unsafe.Pointer(&mode)), ioctlValue(tty, kdSetMode, kdGraphics)); err != nil {
		log.Warn("the console may write over the picture", "err", err, "hint", consoleHint)
		tty.Close()
		return c
	}
	c.tty = tty
	if err := errors.Join(ioctl(tty, kdGetKeys, unsafe.Pointer(&c.keys)), ioctlValue(tty, kdSetKeys, keysOff)); err != nil {
		log.Warn("keys reach the console behind the picture", "err", err)
	}
	if err := c.startGuard(); err != nil {
		log.Warn("after a crash the console will not come back", "err", err)
	}
	return c
}

const consoleHint = `it must be the terminal of this program, as systemd/framebuffer.conf makes it; or else it takes the group "tty" and CAP_SYS_TTY_CONFIG`

// activeVT opens the console that is on the screen.
func activeVT() (*os.File, error) {
	cause := fs.ErrNotExist
	for _, path := range []string{"/dev/tty0", "/dev/tty", "/dev/tty1"} {
		f, err := os.OpenFile(path, os.O_WRONLY|unix.O_NOCTTY, 0)
		if errors.Is(err, fs.ErrPermission) {
			cause = err
		}
		if err != nil {
			continue
		}
		var st vtStat
		if ioctl(f, vtGetState, unsafe.Pointer(&st)) != nil || st.Active == 0 {
			f.Close()
			continue
		}
		if path == "/dev/tty0" { // it is whichever is active at the moment
			f.Close()
			if f, err = os.OpenFile(fmt.Sprintf("/dev/tty%d", st.Active), os.O_WRONLY|unix.O_NOCTTY, 0); err != nil {
				continue
			}
		}
		return f, nil
	}
	return nil, cause
}

// startGuard starts the process that outlives this one.
func (c *console) startGuard() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd := exec.Command("/proc/self/exe", GuardCommand, strconv.Itoa(int(c.keys)))
	cmd.ExtraFiles = []*os.File{c.tty, r}
	cmd.Stderr = os.Stderr
	cmd.Env = []string{"GOMAXPROCS=1", "GOGC=off"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a Ctrl-C is not for it
	if err := cmd.Start(); err != nil {
		w.Close()
		return err
	}
	c.guard, c.alive = cmd, w
	return nil
}

// Guard is the whole work of the guard: it waits until the process that started
// it is gone, and brings the console's text back, and its keyboard to the mode in
// args. Where the console was that process's own terminal the kernel lets nobody
// but the service manager do that.
func Guard(args []string) error {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	tty, alive := os.NewFile(3, "console"), os.NewFile(4, "pipe")
	if tty == nil || alive == nil {
		return os.ErrInvalid
	}
	var b [1]byte
	_, _ = alive.Read(b[:]) // nothing is ever written
	var keys int
	if len(args) == 1 {
		keys, _ = strconv.Atoi(args[0]) // 0 is a mode that a keyboard works in too
	}
	return giveBack(tty, int32(keys))
}

// giveBack lets a console show text, and its keyboard reach it.
func giveBack(tty *os.File, keys int32) error {
	err := errors.Join(ioctlValue(tty, kdSetKeys, uintptr(keys)), ioctlValue(tty, kdSetMode, kdText))
	if errors.Is(err, unix.EPERM) {
		return nil // the service manager does it (TTYReset=)
	}
	return err
}

// giveBack shows the console's text again.
func (c *console) giveBack() {
	if c.tty == nil {
		return
	}
	_ = giveBack(c.tty, c.keys) // the guard tries too
	if c.alive != nil {
		c.alive.Close()
		_ = c.guard.Wait()
	}
	c.tty.Close()
}
