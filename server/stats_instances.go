package server

import (
	"context"
	"time"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// Instances is what instances cost over some time and how they were.
type Instances struct {
	Time      service.Duration `json:"instance_time" doc:"two instances for a minute are two minutes"`
	Mean      float64          `json:"mean_count"`
	Critical  service.Duration `json:"critical" doc:"of the instance time, while Consul called the instance critical"`
	Unknown   service.Duration `json:"unknown" doc:"of the instance time, while Consul said nothing"`
	Measured  service.Duration `json:"measured" doc:"of the instance time, for which the cluster said what was used; zero: the figures below say nothing"`
	CPU       float64          `json:"cpu_mhz" doc:"of an instance, on average"`
	CPUMax    int64            `json:"cpu_mhz_max" doc:"of one instance"`
	Memory    float64          `json:"memory_mib" doc:"of an instance, on average"`
	MemoryMax float64          `json:"memory_mib_max" doc:"of one instance"`
}

// VersionInstances are the instances of one version, next to what it reserves.
type VersionInstances struct {
	Version        string     `json:"version"`
	Service        service.ID `json:"service"`
	Alloc          string     `json:"alloc,omitempty" doc:"the one instance; empty: all of the version"`
	ReservedCPU    int        `json:"reserved_cpu_mhz" doc:"by an instance"`
	ReservedMemory int        `json:"reserved_memory_mib" doc:"by an instance"`
	Instances
}

func instancesOf(v *service.Vitals) Instances {
	i := Instances{
		Time: service.Duration{Duration: v.Time}, Critical: service.Duration{Duration: v.Critical},
		Unknown:  service.Duration{Duration: max(0, v.Time-v.Passing-v.Critical)},
		Measured: service.Duration{Duration: v.Measured},
		CPUMax:   v.CPUMax, MemoryMax: float64(v.MemMax) / 1024,
	}
	if v.Width > 0 {
		i.Mean = v.Time.Seconds() / v.Width.Seconds()
	}
	if use, ok := v.Mean(); ok {
		i.CPU, i.Memory = use.CPU, float64(use.Memory)/(1<<20)
	}
	return i
}

// addInstances adds what was seen of the instances to the usage of a module.
func (a *api) addInstances(ctx context.Context, st *Stats, in *statsQuery, versions []service.Version) error {
	q := store.VitalsQuery{Since: st.Since, Until: st.Until, Allocs: in.Instances}
	byID := make(map[service.ID]*service.Version, len(versions))
	for i := range versions {
		byID[versions[i].ID] = &versions[i]
		q.Services = append(q.Services, versions[i].ID)
	}
	list, err := a.Store.Vitals(ctx, q)
	if err != nil {
		return err
	}
	st.Instances = []VersionInstances{}
	for i := range list {
		v := byID[list[i].Service]
		st.Instances = append(st.Instances, VersionInstances{Version: v.Version, Service: v.ID, Alloc: list[i].Alloc,
			ReservedCPU: v.Resources.CPU, ReservedMemory: v.Resources.Memory, Instances: instancesOf(&list[i])})
	}
	if in.step == 0 {
		return nil
	}
	q.Step, q.Allocs = in.step, false
	if list, err = a.Store.Vitals(ctx, q); err != nil {
		return err
	}
	st.Series = withInstances(st.Series, list, in.step)
	return nil
}

// withInstances adds to each point of a series what was seen of instances in it;
// there may be some where nobody called. Both lists are in order of time.
func withInstances(points []Point, list []service.Vitals, step time.Duration) []Point {
	merged := []Point{}
	for len(points) > 0 || len(list) > 0 {
		var p Point
		if len(list) == 0 || len(points) > 0 && !points[0].Start.After(list[0].Start) {
			p, points = points[0], points[1:]
		} else {
			p.Start = list[0].Start
		}
		sum := service.Vitals{Width: step}
		for len(list) > 0 && list[0].Start.Equal(p.Start) {
			sum.Add(&list[0])
			list = list[1:]
		}
		if sum.Time > 0 {
			i := instancesOf(&sum)
			p.Instances = &i
		}
		merged = append(merged, p)
	}
	return merged
}
