package jobs

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/dynsvc/dynsvc/service"
)

// sealer keeps what is secret about a job from whoever gets the database
// without the key beside it, a copy of the database most of all.
type sealer struct{ cipher.AEAD }

const keySize = 32

// openKey reads the key, and makes one where there is none.
func openKey(path string) (sealer, error) {
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key = make([]byte, keySize)
		_, _ = rand.Read(key) // never fails
		err = writeKey(path, key)
	}
	if err != nil {
		return sealer{}, fmt.Errorf("the key that call jobs are sealed with: %w", err)
	}
	if len(key) != keySize {
		return sealer{}, service.Errorf(service.ErrInvalid, "the key that call jobs are sealed with, %s, has %d bytes and not %d: restore it, or delete it and lose the tokens of the jobs that are queued", path, len(key), keySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return sealer{aead}, err
}

// writeKey writes the key whole or not at all.
func writeKey(path string, key []byte) error {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(key); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncFolder(path)
}

// seal and open bind a secret to its job. Nothing sealed is nothing.
func (s sealer) seal(job string, secret []byte) []byte { return s.Seal(nil, nil, secret, []byte(job)) }

func (s sealer) open(job string, sealed []byte) ([]byte, error) {
	if sealed == nil {
		return nil, nil
	}
	return s.Open(nil, nil, sealed, []byte(job))
}
