package jobs

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/dynsvc/dynsvc/service"
)

const (
	spoolMemory = 1 << 20  // of an answer, before it goes on in a file
	inlineLimit = 16 << 20 // of a result in the database; larger ones are files
	answerLimit = 4 << 30  // of an answer
)

// spool takes an answer as it comes: its beginning in memory, a large one in a
// file.
type spool struct {
	path   string // of the file
	memory bytes.Buffer
	file   *os.File // nil: all is in memory
	size   int64
	final  string // where a result that is a file goes
}

func (s *spool) Write(p []byte) (int, error) {
	if s.size+int64(len(p)) > answerLimit {
		return 0, fmt.Errorf("the answer is larger than %d GiB, which is all that is kept", answerLimit>>30)
	}
	if s.file == nil && s.memory.Len()+len(p) > spoolMemory {
		f, err := os.OpenFile(s.path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
		if err != nil {
			return 0, fmt.Errorf("keep the answer: %w", err)
		}
		s.file = f
		if _, err := f.Write(s.memory.Bytes()); err != nil {
			return 0, fmt.Errorf("keep the answer: %w", err)
		}
	}
	s.size += int64(len(p))
	if s.file == nil {
		return s.memory.Write(p)
	}
	n, err := s.file.Write(p)
	if err != nil {
		return n, fmt.Errorf("keep the answer: %w", err)
	}
	return n, nil
}

// beginning is what a person may read of an answer that is not understood.
func (s *spool) beginning() string {
	const most = 200
	return string(bytes.ToValidUTF8(s.memory.Bytes()[:min(s.memory.Len(), most)], nil))
}

// drop deletes what is not kept.
func (s *spool) drop() {
	if s.file != nil {
		_ = s.file.Close()    // nothing of it is wanted any more
		_ = os.Remove(s.path) // or it is swept up at the next start
	}
}

// reply is what an answer says.
type reply struct {
	fault  *service.JobError // nil: there is a result
	result []byte            // nil where it is a file
	file   bool
	bytes  int64 // of the result
}

// reply reads the answer. A result that is too large for the database is a file
// and on disk when reply returns.
func (s *spool) reply() (reply, error) {
	if s.size <= inlineLimit {
		text := s.memory.Bytes()
		if s.file != nil {
			text = make([]byte, s.size)
			if _, err := s.file.ReadAt(text, 0); err != nil {
				return reply{}, fmt.Errorf("read the answer: %w", err)
			}
		}
		return parseReply(text)
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return reply{}, fmt.Errorf("read the answer: %w", err)
	}
	out, err := os.OpenFile(s.final, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return reply{}, fmt.Errorf("keep the result: %w", err)
	}
	rep, err := streamReply(s.file, out)
	if err == nil && rep.fault == nil {
		err = out.Sync()
	}
	if cerr := out.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("keep the result: %w", cerr)
	}
	if err != nil || rep.fault != nil {
		_ = os.Remove(s.final) // or it is swept up at the next start
		return rep, err
	}
	return rep, syncFolder(s.final)
}
