package catalog_test

import (
	"strings"
	"testing"

	"github.com/dynsvc/dynsvc/catalog"
	"github.com/dynsvc/dynsvc/service"
)

// TestAPlanIsWhatARegistrationComesTo plans what is then registered, and what cannot be.
func TestAPlanIsWhatARegistrationComesTo(t *testing.T) {
	f, s := forge(t)
	files := fileSystem(map[string]string{"module.hcl": withCommand, "Dockerfile": "FROM scratch\n"})
	plan := func(by service.Caller) (service.Version, bool, string, error) {
		t.Helper()
		v, isNew, notices, err := f.Plan(t.Context(), catalog.Upload{Files: files, By: by})
		return v, isNew, strings.Join(notices, "; "), err
	}
	ada := service.Operator("ada")
	planned, isNew, notices, err := plan(ada)
	if err != nil || !isNew || planned.Run.Image == "" || !strings.Contains(notices, "its image is built from Dockerfile when it is registered") || !strings.Contains(notices, "checked") {
		t.Fatalf("plan %+v, new %v, %s, %v", planned, isNew, notices, err)
	}
	if left := f.left(t); len(left) != 0 || len(s.built) != 0 || len(f.heard) != 0 {
		t.Errorf("a plan left %v, built %v, told of %v", left, s.built, f.heard)
	}
	if _, err := f.db.Module(t.Context(), "Built"); err == nil {
		t.Error("a plan registered")
	}

	v := f.register(t, catalog.Upload{Files: files, Tag: service.Release})
	if v.ID != planned.ID || v.Digest != planned.Digest {
		t.Errorf("planned %s, registered %s", planned.ID, v.ID)
	}
	again, isNew, notices, err := plan(ada)
	if err != nil || isNew || again.Run.Image != builtImage || !strings.Contains(notices, "registered already") {
		t.Errorf("planned again: %+v, new %v, %s, %v", again, isNew, notices, err)
	}

	refused := func(want string, by service.Caller) {
		t.Helper()
		if _, _, _, err := plan(by); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
	refused("belongs to the admins", service.Caller{Name: "grace", Role: service.Developer})
	files["Dockerfile"].Data = []byte("FROM scratch\nUSER 1\n")
	refused("raise the version", ada)
	files["module.hcl"].Data = []byte(strings.NewReplacer("Built", "BUILT", "1.0.0", "1.1.0").Replace(withCommand))
	refused("the module is registered as Built", ada)
	files["module.hcl"].Data = []byte(strings.Replace(withCommand, "1.0.0", "1.1.0", 1))
	f.cluster.refuse = service.Errorf(service.ErrInvalid, "no class can hold it")
	refused("no class can hold it", ada)
}
