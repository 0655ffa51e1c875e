package kbase_test

import (
	"fmt"
	"testing"

	"github.com/dynsvc/dynsvc/service"
	"github.com/dynsvc/dynsvc/store"
)

// BenchmarkListServiceStatus asks for what the catalog page of KBase asks on each
// visit, with 10 000 modules registered and none up.
func BenchmarkListServiceStatus(b *testing.B) {
	w := open(b)
	v := w.register(module(b, "Hello", "0.0.1"), commitA)
	for i := range 10_000 {
		v.Module, v.Commit = fmt.Sprintf("Module%d", i), fmt.Sprintf("%040x", i)
		v.ID = service.NewID(v.Module, v.Commit, "")
		if _, _, err := w.db.SaveVersion(b.Context(), store.Registration{Version: v, Tags: []string{service.Dev}}); err != nil {
			b.Fatal(err)
		}
	}
	for _, method := range []string{"ServiceWizard.list_service_status", "ServiceWizard.get_service_status_without_restart"} {
		b.Run(method, func(b *testing.B) {
			for b.Loop() {
				if a := w.call("", method, named("Module17", nil)); a.status != 200 {
					b.Fatalf("%d %s", a.status, a.body)
				}
			}
		})
	}
}
