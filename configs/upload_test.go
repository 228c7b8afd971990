package configs

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A client that was uploaded is used unless the operator has one of the same type.
func TestUploadedClient(t *testing.T) {
	const device, desktop = "client_secret.json", "desktop_client_secret.json"
	for name, tt := range map[string]struct {
		operator, uploaded map[string]string
		methods            []string
		own                string // the file that is the operator's
	}{
		"none":                           {nil, nil, []string{"paste"}, desktop},
		"uploaded":                       {nil, map[string]string{desktop: "{x}"}, []string{"paste"}, ""},
		"uploaded beside a placeholder":  {map[string]string{desktop: "{}"}, map[string]string{desktop: "{x}"}, []string{"paste"}, ""},
		"both":                           {map[string]string{desktop: "{x}"}, map[string]string{desktop: "{y}"}, []string{"paste"}, desktop},
		"another type":                   {map[string]string{desktop: "{x}"}, map[string]string{device: "{y}"}, []string{"device", "paste"}, desktop},
		"an uploaded file that is empty": {nil, map[string]string{desktop: ""}, []string{"paste"}, desktop},
	} {
		t.Run(name, func(t *testing.T) {
			credentials, state := t.TempDir(), t.TempDir()
			folder := filepath.Join(state, ClientFolder)
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			for dir, files := range map[string]map[string]string{credentials: tt.operator, folder: tt.uploaded} {
				for name, text := range files {
					if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			env := map[string]string{"CREDENTIALS_DIRECTORY": credentials, "STATE_DIRECTORY": state}
			c, err := Load("", func(k string) string { return env[k] })
			if err != nil || !slices.Equal(c.Pairing.Methods, tt.methods) {
				t.Fatalf("%v, %v", c, err)
			}
			if signIn := len(tt.operator)+len(tt.uploaded) > 0 && name != "an uploaded file that is empty"; c.HasSignIn(func(k string) string { return env[k] }) != signIn {
				t.Errorf("something to sign in with: want %v", signIn)
			}
			for name, file := range map[string]string{device: c.Google.ClientFile, desktop: c.Google.DesktopFile} {
				want := filepath.Join(folder, name)
				if name == tt.own {
					want = filepath.Join(credentials, name)
				}
				if file != "" && file != want {
					t.Errorf("%s, want %s", file, want)
				}
			}
		})
	}
}
