package configs

// HasSignIn reports whether there is anything to sign in with: a gateway, a client, or
// a client file at any place where one is looked for, also one that can't be used or
// that no method needs.
func (c *Config) HasSignIn(getenv func(string) string) bool {
	if c.Google.Gateway != "" || c.Google.ClientID != "" {
		return true
	}
	files := []string{c.Google.ClientFile, c.Google.WebFile, c.Google.DesktopFile}
	for _, name := range []string{deviceClient, relayClient, pasteClient, "token"} {
		files = append(files, c.clientFile(getenv, name))
	}
	for _, file := range files {
		if file != "" && (HasClient(file) || isEmpty(file)) {
			return true
		}
	}
	return false
}
