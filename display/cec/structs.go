package cec

// The structs of linux/cec.h. TestStructs compares their sizes with the kernel's.

const maxLogAddrs = 4 // CEC_MAX_LOG_ADDRS

// capsArg is struct cec_caps.
type capsArg struct {
	driver       [32]byte
	name         [32]byte
	logAddrs     uint32
	capabilities uint32
	version      uint32
}

// logAddrsArg is struct cec_log_addrs.
type logAddrsArg struct {
	logAddr           [maxLogAddrs]uint8
	logAddrMask       uint16
	cecVersion        uint8
	numLogAddrs       uint8
	vendorID          uint32
	flags             uint32
	osdName           [15]byte
	primaryDeviceType [maxLogAddrs]uint8
	logAddrType       [maxLogAddrs]uint8
	allDeviceTypes    [maxLogAddrs]uint8
	features          [maxLogAddrs][12]uint8
}

// msgArg is struct cec_msg.
type msgArg struct {
	txTS, rxTS            uint64
	len                   uint32
	timeout               uint32 // in milliseconds
	sequence              uint32
	flags                 uint32
	msg                   [16]uint8 // CEC_MAX_MSG_SIZE
	reply                 uint8
	rxStatus, txStatus    uint8
	arbLost, nacks        uint8
	lowDrives, errorCount uint8
}

// eventArg is struct cec_event with the largest member of its union, raw.
type eventArg struct {
	ts    uint64
	event uint32
	flags uint32
	raw   [16]uint32
}
