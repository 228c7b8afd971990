package framebuffer

import (
	"errors"
	"os"
	"path/filepath"
)

// A backlightDir is the folder in which the kernel lists the backlights of
// built-in panels, /sys/class/backlight.
type backlightDir string

const sysBacklight backlightDir = "/sys/class/backlight"

// blank turns every backlight off, or on again. There may be none.
func (dir backlightDir) blank(off bool) error {
	power := "0" // FB_BLANK_UNBLANK
	if off {
		power = "4" // FB_BLANK_POWERDOWN
	}
	var errs []error
	for _, path := range list(string(dir) + "/*") {
		errs = append(errs, os.WriteFile(filepath.Join(path, "bl_power"), []byte(power), 0o200))
	}
	return errors.Join(errs...)
}
