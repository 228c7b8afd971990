package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"pickerd/cmd/command"
)

// keyType is the type of a PEM block with a private key (RFC 8410, PKCS #8).
const keyType = "PRIVATE KEY"

// maxKey bounds the file of a key in bytes.
const maxKey = 64 << 10

func key(_ context.Context, e env, fs *flag.FlagSet, args []string) error {
	again := fs.Bool("public", false, "print the public half of a key that is there")
	if err := command.Parse(program, fs, args, 1); err != nil {
		return err
	}
	get := makeKey
	if *again {
		get = readKey
	}
	private, err := get(fs.Arg(0))
	if errors.Is(err, os.ErrExist) {
		return command.Hint(err, program+" key --public FILE prints the public half of a key that is there", command.Failed)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "operator_key = %q\n", base64.StdEncoding.EncodeToString(private.Public().(ed25519.PublicKey)))
	return nil
}

// makeKey makes an operator's key and writes it to a new file.
func makeKey(path string) (ed25519.PrivateKey, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(pem.Encode(f, &pem.Block{Type: keyType, Bytes: der}), f.Sync(), f.Close()); err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	return private, nil
}

// readKey reads an operator's private key.
func readKey(path string) (ed25519.PrivateKey, error) {
	if path == "" {
		return nil, &command.UsageError{Msg: "the operator's key is missing", Hint: "--sign FILE, or " + envPrefix + "SIGN; " + program + " key FILE makes one"}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxKey))
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != keyType {
		return nil, fmt.Errorf("%s has no private key in PEM", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s is not an Ed25519 key", path)
	}
	return private, nil
}
