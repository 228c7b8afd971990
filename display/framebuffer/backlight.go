package framebuffer

import (
	"errors"
	"os"
	"path/filepath"
)

// backlights switches the light of built-in panels off, or on again. There may
// be none.
func backlights(off bool) error {
	power := "0" // FB_BLANK_UNBLANK
	if off {
		power = "4" // FB_BLANK_POWERDOWN
	}
	var errs []error
	for _, path := range list("/sys/class/backlight/*") {
		errs = append(errs, os.WriteFile(filepath.Join(path, "bl_power"), []byte(power), 0o200))
	}
	return errors.Join(errs...)
}
