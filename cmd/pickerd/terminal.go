package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"pickerd/cmd/command"
)

// errNoTerminal means that there is no terminal to ask at.
var errNoTerminal = errors.New("there is no terminal")

// errGivenUp means that the person pressed Ctrl-C.
var errGivenUp = errors.New("cancelled; nothing was done")

// readLine asks on standard input, until ctx ends.
func (e env) readLine(ctx context.Context, question string) (string, error) {
	fmt.Fprint(e.stderr, question)
	type line struct {
		text string
		err  error
	}
	got := make(chan line, 1)
	go func() { // a read from a terminal can't be ended; it ends with the process
		text, err := bufio.NewReader(e.stdin).ReadString('\n')
		if errors.Is(err, io.EOF) && text != "" {
			err = nil
		}
		got <- line{strings.TrimSpace(text), err}
	}()
	select {
	case l := <-got:
		return l.text, l.err
	case <-ctx.Done():
		fmt.Fprintln(e.stderr)
		return "", errGivenUp
	}
}

// passphrase asks on the terminal, not on standard input, which may be a file.
func (e env) passphrase(ctx context.Context, question string) (string, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return "", errNoTerminal
	}
	defer tty.Close()
	fd := int(tty.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", errNoTerminal
	}
	fmt.Fprint(tty, question)
	type secret struct {
		text []byte
		err  error
	}
	got := make(chan secret, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		got <- secret{text, err}
	}()
	select {
	case s := <-got:
		fmt.Fprintln(tty)
		return string(s.text), s.err
	case <-ctx.Done():
		// The terminal must show again what is typed.
		err := term.Restore(fd, before)
		fmt.Fprintln(tty)
		return "", errors.Join(errGivenUp, err)
	}
}

// minPassphrase keeps out what can be guessed: the file may lie around.
const minPassphrase = 10

// newPassphrase asks twice.
func (e env) newPassphrase(ctx context.Context) (string, error) {
	first, err := e.passphrase(ctx, fmt.Sprintf("Passphrase for the token file (at least %d characters): ", minPassphrase))
	if errors.Is(err, errNoTerminal) {
		return "", command.Hint(errors.New("without --to the token file needs a passphrase, and there is no terminal to ask for it"),
			"use --to RECIPIENT, from pickerd status on the box", exitUsage)
	}
	if err != nil {
		return "", err
	}
	if len([]rune(first)) < minPassphrase {
		return "", fmt.Errorf("the passphrase has fewer than %d characters", minPassphrase)
	}
	second, err := e.passphrase(ctx, "Repeat the passphrase: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the passphrases differ")
	}
	return first, nil
}
