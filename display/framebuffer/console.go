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
	kdSetMode       = 0x4b3a // KDSETMODE
	kdGetMode       = 0x4b3b // KDGETMODE
	kdText          = 0      // KD_TEXT
	kdGraphics      = 1      // KD_GRAPHICS
	kdGetKeyboard   = 0x4b44 // KDGKBMODE
	kdSetKeyboard   = 0x4b45 // KDSKBMODE
	kdKeyboardOff   = 4      // K_OFF
	vtGetState      = 0x5603 // VT_GETSTATE
	keyboardUnknown = 0      // K_RAW, in which a keyboard works as well
)

// vtStat is struct vt_stat.
type vtStat struct{ Active, Signal, State uint16 }

// GuardCommand is the argument with which the program runs as the console guard:
// main must then call Guard and do nothing else.
const GuardCommand = "console-guard"

// A console is the virtual terminal that would write over the picture with login
// prompts, a cursor and kernel messages. In the zero value there is none.
type console struct {
	tty      node
	keyboard int32 // keyboard mode to restore
	guard    *exec.Cmd
	guardPID int      // of a guard that the program before has started
	alive    *os.File // the guard sees it close when this process ends
}

// takeConsole puts the active console into graphics mode and turns its keyboard
// off, so that no key reaches a shell behind the picture. The kernel does not
// switch consoles in that mode. A guard process restores the console when this
// process ends, even by a crash. Without a console, or without the right to use
// it, takeConsole returns the zero value.
func takeConsole(log *slog.Logger) *console {
	tty, err := activeVT()
	if errors.Is(err, fs.ErrNotExist) {
		return &console{}
	}
	if err != nil {
		log.Warn("console may overwrite the picture", "err", err, "hint", consoleHint)
		return &console{}
	}
	return newConsole(deviceFile{tty}, log, func(c *console) error { return c.startGuard(tty) })
}

func newConsole(tty node, log *slog.Logger, startGuard func(*console) error) *console {
	var mode uintptr
	err := tty.ioctl(kdGetMode, unsafe.Pointer(&mode))
	if err == nil {
		err = tty.ioctlValue(kdSetMode, kdGraphics)
	}
	if err != nil {
		log.Warn("console may overwrite the picture", "err", err, "hint", consoleHint)
		tty.Close()
		return &console{}
	}
	c := &console{tty: tty}
	if err := errors.Join(tty.ioctl(kdGetKeyboard, unsafe.Pointer(&c.keyboard)), tty.ioctlValue(kdSetKeyboard, kdKeyboardOff)); err != nil {
		log.Warn("keys reach the console behind the picture", "err", err)
	}
	if err := startGuard(c); err != nil {
		log.Warn("console will not be restored after a crash", "err", err)
	}
	return c
}

const consoleHint = `run pickerd on the console's own terminal, as systemd/framebuffer.conf does, or give it the group "tty" and CAP_SYS_TTY_CONFIG`

// activeVT opens the console on the screen.
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
		if (deviceFile{f}).ioctl(vtGetState, unsafe.Pointer(&st)) != nil || st.Active == 0 {
			f.Close()
			continue
		}
		if path == "/dev/tty0" { // an alias for the active console, whichever that is
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
func (c *console) startGuard(tty *os.File) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd := exec.Command("/proc/self/exe", GuardCommand, strconv.Itoa(int(c.keyboard)))
	cmd.ExtraFiles = []*os.File{tty, r}
	cmd.Stderr = os.Stderr
	cmd.Env = []string{"GOMAXPROCS=1", "GOGC=off"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // out of reach of Ctrl-C
	if err := cmd.Start(); err != nil {
		w.Close()
		return err
	}
	c.guard, c.alive = cmd, w
	return nil
}

// Guard runs the console guard. It waits until the process that started it has
// ended, then restores the console's text mode and the keyboard mode in args.
// On the service's own terminal the kernel reserves that for the service
// manager, and Guard returns nil.
func Guard(args []string) error {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	tty, alive := os.NewFile(3, "console"), os.NewFile(4, "pipe")
	if tty == nil || alive == nil {
		return os.ErrInvalid
	}
	var b [1]byte
	_, _ = alive.Read(b[:]) // returns when the pipe is closed; nothing is written to it
	keyboard := keyboardUnknown
	if len(args) == 1 {
		if mode, err := strconv.Atoi(args[0]); err == nil {
			keyboard = mode
		}
	}
	return restoreConsole(deviceFile{tty}, int32(keyboard))
}

// restoreConsole turns a console's text and keyboard on again.
func restoreConsole(tty node, keyboard int32) error {
	err := errors.Join(tty.ioctlValue(kdSetKeyboard, uintptr(keyboard)), tty.ioctlValue(kdSetMode, kdText))
	if errors.Is(err, unix.EPERM) {
		return nil // the service manager does it (TTYReset=)
	}
	return err
}

// restore gives the console back and waits for the guard to end.
func (c *console) restore() {
	if c.tty == nil {
		return
	}
	_ = restoreConsole(c.tty, c.keyboard) // the guard tries again
	if c.alive != nil {
		c.alive.Close()
		c.waitForGuard()
	}
	c.tty.Close()
}

// waitForGuard waits until the guard has ended.
func (c *console) waitForGuard() {
	if c.guard != nil {
		_ = c.guard.Wait()
		return
	}
	for c.guardPID > 0 {
		if _, err := unix.Wait4(c.guardPID, nil, 0, nil); !errors.Is(err, unix.EINTR) {
			return // also if it was collected by another
		}
	}
}
