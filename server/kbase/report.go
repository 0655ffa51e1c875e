package kbase

import (
	"context"
	"errors"
	"strings"

	"github.com/dynsvc/dynsvc/kidl"
	"github.com/dynsvc/dynsvc/service"
)

// report is what KBase's compiler reports of a module: kb-sdk install writes its
// files down and generates a client. Ours comes from the interface as it was read
// at registration, so no image has to carry a compiler.
type report struct {
	Module     string                    `json:"module_name"`
	SDKVersion string                    `json:"sdk_version"`
	SDKCommit  string                    `json:"sdk_git_commit"`
	ImplFile   string                    `json:"impl_file_path"`
	SpecFiles  []specFile                `json:"spec_files"`
	Places     map[string]place          `json:"function_places"`
	Functions  map[string]reportFunction `json:"functions"`
}

type specFile struct {
	Name    string `json:"file_name"`
	Content string `json:"content"`
	Main    truth  `json:"is_main"`
}

// place is where the interface has a function.
type place struct {
	Start int `json:"start_line"`
	End   int `json:"end_line"`
}

type reportFunction struct {
	Name    string       `json:"name"`
	Comment string       `json:"comment"`
	Place   place        `json:"place"`
	Input   []reportType `json:"input"`
	Output  []reportType `json:"output"`
}

type reportType struct {
	Type    string `json:"type"`
	Comment string `json:"comment"`
}

// report is nil for a version whose interface cannot be read, as in KBase.
func (f *Facade) report(ctx context.Context, v service.Version) (*report, error) {
	if v.Interface == "" {
		return nil, nil //nolint:nilnil // a version may have no report, and JSON leaves it out
	}
	r := &report{Module: v.Module, SDKVersion: "dynsvc " + f.opts.Version, SpecFiles: []specFile{},
		Places: map[string]place{}, Functions: map[string]reportFunction{}}
	files, err := f.Store.Files(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if !strings.HasSuffix(file.Name, ".spec") {
			continue
		}
		whole, err := f.Store.File(ctx, v.ID, file.Name)
		if err != nil {
			return nil, err
		}
		r.SpecFiles = append(r.SpecFiles, specFile{Name: file.Name, Content: string(whole.Content), Main: file.Name == v.Interface})
	}
	model, err := f.Catalog.Interface(ctx, v)
	if errors.Is(err, service.ErrNotFound) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	if module, ok := model.Module(v.Module); ok {
		for _, fn := range module.Functions {
			at := place{fn.At.Line, fn.At.Line}
			r.Places[fn.Name] = at
			r.Functions[fn.Name] = reportFunction{Name: fn.Name, Comment: fn.Doc, Place: at,
				Input: reportTypes(model, fn.Parameters), Output: reportTypes(model, fn.Results)}
		}
	}
	return r, nil
}

// reportTypes are types with what their definitions say of them.
func reportTypes(model *kidl.Model, parameters []kidl.Parameter) []reportType {
	types := []reportType{}
	for _, p := range parameters {
		t := reportType{Type: p.Type.String()}
		if def, ok := model.Typedef(t.Type); ok {
			t.Comment = def.Doc
		}
		types = append(types, t)
	}
	return types
}
