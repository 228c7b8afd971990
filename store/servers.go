package store

import "bytes"

// Metadata returns what SaveMetadata stored last, nil if there is nothing.
func (p *Pairings) Metadata() ([]byte, error) {
	return view(p.s.db, func(tx *txn) ([]byte, error) { return bytes.Clone(tx.meta().Get(keyMetadata)), nil })
}

// SaveMetadata stores the metadata of the authorization server (RFC 8414), to be
// used during an outage. It is not sealed: the reader checks it again.
func (p *Pairings) SaveMetadata(data []byte) error {
	return p.s.db.update(func(tx *txn) error { return tx.meta().Put(keyMetadata, data) })
}

// AdoptAddresses gives the addresses of a server to the grants and the pairing
// that name none. They are from versions that used whatever was configured, so the
// addresses must be those configured when such a version is replaced. Grants that
// are sealed with an unknown key get theirs when the key is restored.
func (s *Store) AdoptAddresses(tokenURL, revokeURL string) error {
	missing, err := view(s.db, (*txn).lackAddresses)
	if err != nil || !missing {
		return err
	}
	return s.db.update(func(tx *txn) error {
		grants, err := tx.grants()
		if err != nil {
			return err
		}
		for _, g := range grants {
			if !g.lacksAddresses() {
				continue
			}
			g.TokenURL, g.RevokeURL = tokenURL, revokeURL
			if err := tx.putGrant(&g); err != nil {
				return err
			}
		}
		pairing, err := tx.pairing()
		if err != nil || pairing == nil || pairing.TokenURL != "" {
			return err
		}
		for p := pairing; p != nil; p = p.Previous {
			p.TokenURL, p.RevokeURL = tokenURL, revokeURL
		}
		return tx.putSealed(bucketMeta, keyPairing, pairing)
	})
}

func (g *Grant) lacksAddresses() bool { return g.TokenURL == "" && !g.Locked }

// lackAddresses reports whether a grant or the pairing names no server.
func (tx *txn) lackAddresses() (bool, error) {
	grants, err := tx.grants()
	if err != nil {
		return false, err
	}
	for _, g := range grants {
		if g.lacksAddresses() {
			return true, nil
		}
	}
	p, err := tx.pairing()
	return p != nil && p.TokenURL == "", err
}
