package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
)

// Vault keeps secrets in one file that only its owner can read, as Nomad's
// variables do for a cluster.
type Vault struct {
	path string
	mu   sync.Mutex // guards the file
}

// NewVault returns a vault in a file, which is made when something is first kept.
func NewVault(path string) *Vault { return &Vault{path: path} }

// Secrets returns what is kept under a name; nothing: an empty map.
func (v *Vault) Secrets(_ context.Context, name string) (map[string]string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	all, err := v.read()
	if err != nil {
		return nil, err
	}
	if all[name] == nil {
		return map[string]string{}, nil
	}
	return all[name], nil
}

// SetSecrets replaces what is kept under a name. Without values it is removed.
func (v *Vault) SetSecrets(_ context.Context, name string, values map[string]string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	all, err := v.read()
	if err != nil {
		return err
	}
	if all[name] = values; len(values) == 0 {
		delete(all, name)
	}
	text, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("keep secrets: %w", err)
	}
	if err := os.WriteFile(v.path+".new", text, 0o600); err != nil {
		return fmt.Errorf("keep secrets: %w", err)
	}
	return os.Rename(v.path+".new", v.path)
}

func (v *Vault) read() (map[string]map[string]string, error) {
	all := map[string]map[string]string{}
	text, err := os.ReadFile(v.path)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		return nil, fmt.Errorf("read secrets: %w", err)
	}
	return all, nil
}
