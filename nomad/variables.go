package nomad

import (
	"context"
	"errors"

	"github.com/hashicorp/nomad/api"
)

// Secrets returns the items of the Nomad variable at a path; where there is none,
// an empty map.
func (c *Cluster) Secrets(ctx context.Context, path string) (map[string]string, error) {
	q, cancel := c.query(ctx)
	defer cancel()
	items, _, err := c.calls.Variables().GetVariableItems(path, q)
	if errors.Is(err, api.ErrVariablePathNotFound) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, classify(err, "read the variable "+path)
	}
	return items, nil
}

// SetSecrets replaces the items of the Nomad variable at a path. Without items it
// is removed.
func (c *Cluster) SetSecrets(ctx context.Context, path string, items map[string]string) error {
	w, cancel := c.write(ctx)
	defer cancel()
	var err error
	if len(items) == 0 {
		_, err = c.calls.Variables().Delete(path, w)
	} else {
		v := api.NewVariable(path)
		v.Items = items
		_, _, err = c.calls.Variables().Update(v, w)
	}
	return classify(err, "write the variable "+path)
}
