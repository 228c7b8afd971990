package wifi

// CountStations returns how many stations the datagrams of the kernel name.
func CountStations(datagram []byte) (n int, done bool, err error) {
	done, err = messages(datagram, func(command uint8, attrs []byte) {
		if find(attrs, attrIfindex) != nil && command == newStation {
			n++
		}
	})
	return n, done, err
}
