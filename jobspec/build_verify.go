package jobspec

import (
	"cmp"
	"strings"

	"github.com/dynsvc/dynsvc/service"
)

// VerifyBuild checks what Nomad read out of the job that builds images, as
// [Renderer.Verify] does for services: it runs on the class of the builders alone, in
// the two tasks build and push, what it builds is the archive that it is dispatched
// with, and no more than the credential of the registry is read, by the push alone, and
// that of private base images, where there is one, by the build alone.
// Scripts, times and resources are the operator's to change.
func VerifyBuild(s BuildSettings, parsed []byte) error {
	if err := s.fill(); err != nil {
		return err
	}
	var faults []string
	job, err := newObject("job", parsed, &faults)
	if err != nil {
		return service.Errorf(service.ErrInvalid, "verify %s: %w", s.Job, err)
	}
	s.verifyJob(job)
	if len(faults) > 0 {
		return service.Errorf(service.ErrInvalid, "verify %s: the job is not what builds images here:\n  %s", s.Job, strings.Join(faults, "\n  "))
	}
	return nil
}

func (s *BuildSettings) verifyJob(job object) {
	job.want("ID", s.Job)
	job.want("Name", s.Job)
	job.want("Type", "batch")
	job.want("Namespace", s.Namespace)
	job.standard("Region", cmp.Or(s.Region, "global"))
	job.want("NodePool", s.Pool)
	job.want("Datacenters", s.Datacenters)
	if digest, _ := job.object("Meta").take(MetaSpec).(string); !bundleSum.MatchString(digest) {
		job.fault("Meta: %s is no digest", MetaSpec)
	}
	dispatched := job.object("ParameterizedJob")
	dispatched.want("Payload", "forbidden")
	dispatched.want("MetaRequired", BuildMeta)
	dispatched.end()
	placed := false
	for _, c := range job.items("Constraints") {
		placed = placed || same(c.fields, map[string]any{"LTarget": "${node.class}", "RTarget": s.Class, "Operand": "="})
	}
	if !placed {
		job.fault("Constraints do not hold it to the node class %s", s.Class)
	}
	job.ignore("Affinities", "Spreads", "Priority", "UI", "Reschedule")
	for _, g := range job.list("TaskGroups", 1) {
		s.verifyGroup(g)
	}
	job.end()
}

func (s *BuildSettings) verifyGroup(g object) {
	g.want("Name", "build")
	if n := g.take("Count"); !empty(n) && !same(n, 1) {
		g.fault("Count is %s, and should be 1", show(n))
	}
	g.ignore("RestartPolicy", "ReschedulePolicy", "EphemeralDisk", "ShutdownDelay", "Constraints", "Affinities", "Spreads", "Disconnect", "Meta")
	tasks := g.list("Tasks", 2)
	if len(tasks) == 2 {
		s.verifyBuild(tasks[0])
		s.verifyPush(tasks[1])
	}
	g.end()
}

func (s *BuildSettings) verifyBuild(t object) {
	t.want("Name", "build")
	life := t.object("Lifecycle")
	life.want("Hook", "prestart")
	life.end()
	for _, a := range t.list("Artifacts", 1) {
		a.want("GetterSource", "${NOMAD_META_bundle}")
		a.object("GetterOptions").want("checksum", "${NOMAD_META_checksum}")
		a.ignore("GetterMode", "GetterHeaders", "GetterInsecure", "RelativeDest", "Chown")
		a.end()
	}
	if s.PullRegistry != "" {
		s.verifyCredential(t, "build")
	}
	verifyScript(t)
}

func (s *BuildSettings) verifyPush(t object) {
	t.want("Name", "push")
	s.verifyCredential(t, "push")
	verifyScript(t)
}

// verifyCredential checks that a task reads the variable that is its own, and no other.
func (s *BuildSettings) verifyCredential(t object, task string) {
	for _, tmpl := range t.list("Templates", 1) {
		text, _ := tmpl.take("EmbeddedTmpl").(string)
		path := "nomad/jobs/" + s.Job + "/build/" + task
		if strings.Count(text, "nomadVar") != strings.Count(text, `nomadVar "`+path+`"`)+strings.Count(text, `nomadVarExists "`+path+`"`) {
			tmpl.fault("its text does not read just %s", path)
		}
		verifyWords(tmpl, text, append([]string{"nomadVarExists"}, secretWords...))
		if dest, _ := tmpl.take("DestPath").(string); !strings.HasPrefix(dest, "${NOMAD_SECRETS_DIR}/") || strings.Contains(dest, "..") {
			tmpl.fault("DestPath is %q, and should be in the secrets folder", dest)
		}
		tmpl.want("Envvars", true)
		endTemplate(tmpl)
	}
}

// verifyScript checks what both tasks share.
func verifyScript(t object) {
	t.want("Driver", RawExec)
	t.ignore("Config", "Env", "Resources", "KillTimeout", "KillSignal", "LogConfig", "Meta", "Constraints", "Affinities", "ShutdownDelay", "RestartPolicy", "Leader", "User")
	t.end()
}
