package main

import (
	"fmt"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"pickerd/display/photo/outside"
	"pickerd/picker/pickertest"
)

// A disk with a film has what pickerd-media needs as its folder usr, the film and its
// first frame.
const (
	filmFile  = "/usr/film.mp4"
	filmStill = "/usr/film.jpg"
	media     = "/usr/libexec/pickerd-media"
)

// films mounts a disk with a film, has pickerd-media answer on its socket, and returns
// the film as an item.
func films(disk string) ([]*pickertest.Item, error) {
	if err := mountDisk(disk, "/usr", "ext4"); err != nil {
		return nil, err
	}
	for _, d := range []string{"bin", "lib", "lib64"} {
		if err := os.Symlink("usr/"+d, "/"+d); err != nil {
			return nil, err
		}
	}
	// ALSA's dmix has a group.
	if err := os.MkdirAll("/etc", 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile("/etc/group", []byte("root:x:0:\naudio:x:29:\n"), 0o644); err != nil {
		return nil, err
	}
	// Their many libraries are read from the disk once before their time counts.
	for _, command := range []string{"ffprobe -version", "ffmpeg -version", "aplay -q -t raw -f S16_LE -r 48000 -c 2 -d 1 /dev/zero"} {
		words := strings.Fields("/usr/bin/" + command)
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s: %w: %s", command, err, out)
		}
	}
	if err := serveMedia(); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filmFile)
	if err != nil {
		return nil, err
	}
	still, err := os.ReadFile(filmStill)
	if err != nil {
		return nil, err
	}
	return []*pickertest.Item{{ID: "film", Filename: "film.mp4", MimeType: "video/mp4", Type: "VIDEO", Width: 320, Height: 180, CreateTime: time.Now(), Data: data, Poster: still, Unscaled: true}}, nil
}

// serveMedia starts pickerd-media for each connection, as systemd does.
func serveMedia() error {
	if err := os.MkdirAll(filepath.Dir(outside.Socket), 0o755); err != nil {
		return err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: outside.Socket, Net: "unix"})
	if err != nil {
		return err
	}
	go func() {
		for {
			c, err := l.AcceptUnix()
			if err != nil {
				log.Fatal(err)
			}
			go func() { must(answer(c)) }()
		}
	}()
	return nil
}

func answer(c *net.UnixConn) error {
	f, err := c.File()
	c.Close()
	if err != nil {
		return err
	}
	defer f.Close()
	cmd := exec.Command(media)
	cmd.Stdin, cmd.Stderr = f, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("pickerd-media: %w", err)
	}
	return nil
}
