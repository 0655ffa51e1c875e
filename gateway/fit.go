package gateway

import "encoding/json"

// fit refuses a typed call whose parameters do not fit the interface, where its
// version wants them checked. It reads the body and changes nothing of it.
//
// Of a body above fitLimit only the beginning is at hand, and what cannot be
// read whole cannot be checked: it passes, as does what is not JSON, because
// the module says better what is wrong with that.
func (c *call) fit() error {
	if !c.checked() {
		return nil
	}
	if whole, err := c.body.whole(fitLimit); err != nil || !whole {
		return err
	}
	env, _ := scan(c.body.kept) // whole, where the first look had a part
	misfits, err := c.g.opts.Misfits(c.in.Context(), c.to.version, c.method.Name, env.params)
	if err != nil {
		c.g.log.Warn("parameters were not checked", "request_id", c.requestID, "service", c.id(), "method", c.method.Name, "error", err)
		return nil
	}
	if len(misfits) == 0 || !json.Valid(c.body.kept) {
		return nil
	}
	return &paramsError{method: c.env.method, misfits: misfits}
}

// checked reports whether the call's parameters are to be checked. Those of a
// job were when it was submitted.
func (c *call) checked() bool {
	if c.g.opts.Misfits == nil || c.job != nil || c.env.method == "" || !c.to.version.Typed || c.method.Name == "" || c.method.Name == statusMethod {
		return false
	}
	if c.method.Validate != nil {
		return *c.method.Validate
	}
	return c.to.dev
}
