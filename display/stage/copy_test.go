package stage

import (
	"context"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/display"
)

// What can't be decoded is shown by its copy, of which only such files have one made. A
// file without a copy is reported.
func TestCopy(t *testing.T) {
	var asked []string
	lacking := errors.New("no decoder")
	use := func(c *Config) {
		media := c.Media
		c.Copy = func(_ context.Context, file string) (*os.File, error) {
			asked = append(asked, file)
			if file == "lost.heic" {
				return nil, lacking
			}
			return media("copy of " + file)
		}
	}
	inTheatre(t, use, func(t *testing.T, th *theatre) {
		var why error
		th.stop()
		th.cfg.Unshowable = func(_ context.Context, file string, err error) { why = err }
		th.start()
		th.put("good", blueC)
		th.put("copy of a.heic", redC)
		th.put("copy of film.mp4", greenC)
		for _, name := range []string{"a.heic", "lost.heic", "film.mp4"} {
			th.write(name, []byte("\x00\x00\x00\x14ftypheic\x00\x00\x00\x00mif1"))
		}
		for _, tt := range []struct {
			file string
			want uint32
		}{{"good", blue}, {"a.heic", red}, {"film.mp4", green}} {
			th.show(display.Page{Slide: slide(tt.file)})
			time.Sleep(3 * time.Second)
			synctest.Wait()
			if got := th.screen.at(0.02, 0.5); got != tt.want {
				t.Errorf("%s is %06x, want %06x", tt.file, got, tt.want)
			}
		}
		th.show(display.Page{Slide: slide("lost.heic")})
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if !errors.Is(why, lacking) {
			t.Errorf("reported: %v", why)
		}
		if len(asked) != 3 {
			t.Errorf("copies were asked for of %q", asked)
		}
	})
}
