package device_test

import (
	"sync"

	"pickerd/device"
)

// fakePhones is the listener for phones on the local network.
type fakePhones struct {
	mu    sync.Mutex
	base  string
	err   error
	users map[string]bool
}

// user returns a handle on the listener for one purpose. The listener is open
// while any of them is.
func (f *fakePhones) user(purpose string) device.PhoneListener { return &phoneUser{f, purpose} }

func (f *fakePhones) isOpen() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.users) > 0
}

func (f *fakePhones) set(base string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.base, f.err = base, err
}

type phoneUser struct {
	phones  *fakePhones
	purpose string
}

func (u *phoneUser) Open() (string, error) {
	f := u.phones
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.users == nil {
		f.users = map[string]bool{}
	}
	if f.err == nil {
		f.users[u.purpose] = true
	}
	return f.base, f.err
}

func (u *phoneUser) Close() {
	u.phones.mu.Lock()
	defer u.phones.mu.Unlock()
	delete(u.phones.users, u.purpose)
}
