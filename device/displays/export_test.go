package displays

// Publish sets the board.
func Publish(k *Keeper) { k.publish() }

// Clear drops the browsers that wait.
func Clear(k *Keeper) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.waiting = nil
}
