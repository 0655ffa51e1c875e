package catalog

import (
	"fmt"
	"io"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dynsvc/dynsvc/service"
)

// Limits bound what may be uploaded.
type Limits struct {
	Packed   int64 // bytes of an archive
	Unpacked int64 // bytes of all files, and of a tar as a whole
	Files    int   // and as many folders
}

// StandardLimits are 64 MiB packed, 256 MiB unpacked and 10 000 files.
func StandardLimits() Limits {
	return Limits{Packed: 64 << 20, Unpacked: 256 << 20, Files: 10_000}
}

func (l Limits) tooLargePacked() error {
	return service.Errorf(service.ErrInvalid, "the archive is larger than %d MiB: name what is not needed in %s, or keep large files in an image or artifact", l.Packed>>20, ignoreFile)
}

const maxName = 512 // bytes of a path

func (l Limits) tooManyFiles() error {
	return service.Errorf(service.ErrInvalid, "the module has more than %d files: name what is not needed in %s", l.Files, ignoreFile)
}

func (l Limits) tooLarge() error {
	return service.Errorf(service.ErrInvalid, "the module has more than %d MiB: name what is not needed in %s, or keep large files in an image or artifact", l.Unpacked>>20, ignoreFile)
}

// cleanName is the path of an archive's entry in the one form that is stored.
func cleanName(name string) (string, error) {
	bad := func(why string) (string, error) {
		return "", service.Errorf(service.ErrInvalid, "the entry %.200q %s", name, why)
	}
	switch {
	case len(name) > maxName:
		return bad(fmt.Sprintf("has a name of more than %d bytes", maxName))
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return bad("has a name that is not printable UTF-8 text")
	case strings.Contains(name, `\`):
		return bad(`has a backslash in its name: folders are parted by "/"`)
	case strings.HasPrefix(name, "/"):
		return bad("has an absolute path: pack the folder from inside it")
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return bad("has .. in its path: pack the folder from inside it")
		}
		if len(part) > 255 {
			return bad("has a part of more than 255 bytes in its name")
		}
	}
	if name = path.Clean(name); name == "." {
		return bad("has no name")
	}
	return name, nil
}

// meter passes on at most its number of bytes, then fails with over.
type meter struct {
	from io.Reader
	left int64
	over error
}

func (m *meter) Read(p []byte) (int, error) {
	if m.left < 0 {
		return 0, m.over
	}
	if int64(len(p)) > m.left+1 {
		p = p[:m.left+1]
	}
	n, err := m.from.Read(p)
	if m.left -= int64(n); m.left < 0 {
		return 0, m.over
	}
	return n, err
}
