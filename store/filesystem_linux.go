package store

import (
	"fmt"
	"syscall"
)

// networkFileSystems are the file systems on which SQLite's locks and shared
// memory cannot be relied on, by the magic number that statfs(2) reports.
var networkFileSystems = map[uint32]string{
	0x00006969: "NFS",
	0xff534d42: "CIFS",
	0xfe534d42: "SMB2",
	0x0000517b: "SMB",
	0x65735546: "FUSE",
	0x01021997: "9P",
	0x5346414f: "AFS",
	0x00c36400: "Ceph",
	0x73757245: "Coda",
	0x0bd00bd0: "Lustre",
	0x786f4256: "VirtualBox shared folder",
}

// networkFileSystem names the network file system that a folder is on; it is
// empty where the folder is on a local one.
func networkFileSystem(dir string) (string, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return "", fmt.Errorf("statfs %s: %w", dir, err)
	}
	// The field's type differs between architectures; the magic has 32 bits.
	return networkFileSystems[uint32(fs.Type)], nil
}
