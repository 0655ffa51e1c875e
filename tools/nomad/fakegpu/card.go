package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/nomad/plugins/base"
	"github.com/hashicorp/nomad/plugins/device"
	"github.com/hashicorp/nomad/plugins/shared/hclspec"
	"github.com/hashicorp/nomad/plugins/shared/structs"
)

// ids are the two cards that the node owns.
var ids = []string{
	"GPU-00000000-0000-4000-8000-000000000001",
	"GPU-00000000-0000-4000-8000-000000000002",
}

// card is one group of identical devices; it has no state, since Nomad's
// server, not the plugin, remembers which of them are taken.
type card struct{}

// PluginInfo names the plugin; the client's configuration refers to the name.
func (card) PluginInfo() (*base.PluginInfoResponse, error) {
	return &base.PluginInfoResponse{
		Type:              base.PluginTypeDevice,
		PluginApiVersions: []string{device.ApiVersion010},
		PluginVersion:     "v0.1.0",
		Name:              "fakegpu",
	}, nil
}

// ConfigSchema is empty: there is nothing to set.
func (card) ConfigSchema() (*hclspec.Spec, error) {
	return hclspec.NewObject(map[string]*hclspec.Spec{}), nil
}

// SetConfig accepts the empty configuration.
func (card) SetConfig(*base.Config) error { return nil }

// Fingerprint reports the cards once. The channel stays open until ctx ends:
// a closed one would make the client restart the plugin.
func (card) Fingerprint(ctx context.Context) (<-chan *device.FingerprintResponse, error) {
	out := make(chan *device.FingerprintResponse, 1)
	out <- device.NewFingerprint(group())
	go func() {
		<-ctx.Done()
		close(out)
	}()
	return out, nil
}

// Reserve hands the chosen cards to a task the way the vendor's plugin does.
func (card) Reserve(want []string) (*device.ContainerReservation, error) {
	if len(want) == 0 {
		return nil, fmt.Errorf("reserve: no device ids given")
	}
	for _, id := range want {
		if !slices.Contains(ids, id) {
			return nil, fmt.Errorf("reserve %s: no such device", id)
		}
	}
	return &device.ContainerReservation{
		Envs: map[string]string{"NVIDIA_VISIBLE_DEVICES": strings.Join(want, ",")},
	}, nil
}

// Stats sends nothing; the client only needs the channel to live.
func (card) Stats(ctx context.Context, _ time.Duration) (<-chan *device.StatsResponse, error) {
	out := make(chan *device.StatsResponse)
	go func() {
		<-ctx.Done()
		close(out)
	}()
	return out, nil
}

// group describes both cards; attributes belong to the group, and carry units,
// so that a job's constraint may say "24 GiB" where the node says 40960 MiB.
func group() *device.DeviceGroup {
	g := &device.DeviceGroup{
		Vendor: "nvidia",
		Type:   device.DeviceTypeGPU,
		Name:   "A100",
		Attributes: map[string]*structs.Attribute{
			"memory":         structs.NewIntAttribute(40*1024, structs.UnitMiB),
			"power":          structs.NewIntAttribute(400, structs.UnitW),
			"cores_clock":    structs.NewIntAttribute(1410, structs.UnitMHz),
			"memory_clock":   structs.NewIntAttribute(1215, structs.UnitMHz),
			"driver_version": structs.NewStringAttribute("550.54.15"),
		},
	}
	for i, id := range ids {
		g.Devices = append(g.Devices, &device.Device{
			ID:         id,
			Healthy:    true,
			HwLocality: &device.DeviceLocality{PciBusID: fmt.Sprintf("0000:%02X:00.0", i+1)},
		})
	}
	return g
}
