package main

import (
	"context"
	"fmt"
	"time"

	"github.com/dynsvc/dynsvc/gateway"
	"github.com/dynsvc/dynsvc/service"
)

// resumeMoves lets versions go on to answer for tags that were moved away from
// them shortly before the agent began.
func (st *stack) resumeMoves(ctx context.Context) error {
	moves, err := st.db.MovesSince(ctx, time.Now().Add(-gateway.MoveLimit))
	if err != nil {
		return fmt.Errorf("read which tags were moved: %w", err)
	}
	for module, all := range moves {
		from, at := map[string][]service.ID{}, map[string]time.Time{}
		for _, m := range all {
			from[m.Tag] = append(from[m.Tag], m.From)
			if at[m.Tag].IsZero() {
				at[m.Tag] = m.At
			}
		}
		for tag := range from {
			st.gateway.Resume(module, tag, from[tag], at[tag])
		}
	}
	return nil
}
