package kidl

import "strings"

// OpenAPIOptions is what a document says beside the interface.
type OpenAPIOptions struct {
	Version     string   // of the module; required by OpenAPI, empty: 0.0.0
	Title       string   // empty: the module's name
	Description string   // empty: the module's doc
	Servers     []string // URLs under which the service is reached; empty: none
}

// OpenAPI describes the functions of one module as an OpenAPI 3.1 document.
//
// All functions of a service are called by POST to one URL, where the method in
// the body tells them apart; OpenAPI knows one POST per path. So each function
// has a path of its own that differs only in its fragment, /#Module.function,
// which no client sends: read as URLs they are all the same. docs/kidl.md has
// the whole mapping.
func (m *Module) OpenAPI(opts OpenAPIOptions) *OpenAPI {
	w := &schemaWriter{prefix: "#/components/schemas/", done: map[*Typedef]bool{}}
	doc := &OpenAPI{
		OpenAPI: "3.1.0",
		Info:    openAPIInfo{Title: or(opts.Title, m.Name), Version: or(opts.Version, "0.0.0"), Description: or(opts.Description, Prose(m.Doc))},
		Dialect: dialect,
		Paths:   map[string]openAPIPath{},
	}
	for _, url := range opts.Servers {
		doc.Servers = append(doc.Servers, openAPIServer{URL: url})
	}
	for _, f := range m.Functions {
		doc.Paths["/#"+f.FullName()] = openAPIPath{Post: operation(w, f)}
	}
	for _, t := range m.Types {
		w.reference(t) // also those that no function uses
	}
	doc.Components.Schemas = append(w.defs, NamedSchema{"kidl-error", errorSchema()})
	doc.Components.SecuritySchemes = map[string]openAPISecurity{
		"token": {Type: "apiKey", In: "header", Name: "Authorization", Description: "A token, as it is, without a scheme before it."},
	}
	return doc
}

func operation(w *schemaWriter, f *Function) openAPIOperation {
	doc := Prose(f.Doc)
	summary, _, _ := strings.Cut(doc, "\n")
	op := openAPIOperation{
		ID: f.FullName(), Summary: summary, Description: doc, Deprecated: f.Annotations.Deprecated != nil,
		Async: f.Async, Security: []map[string][]string{},
	}
	if d := f.Annotations.Deprecated; d != nil {
		op.Instead = d.Replacement
	}
	token := map[string][]string{"token": {}}
	switch f.Authentication {
	case "required":
		op.Security = append(op.Security, token)
	case "optional":
		op.Security = append(op.Security, map[string][]string{}, token)
	}
	op.RequestBody = openAPIBody{Required: true, Content: jsonContent(envelope(
		[]string{"method", "params"},
		NamedSchema{"method", &Schema{Const: f.FullName()}},
		NamedSchema{"params", w.list(f.Parameters)},
	))}
	result := w.list(f.Results)
	if len(f.Results) == 0 {
		result.Type = []string{"array", "null"}
	}
	op.Responses = map[string]openAPIBody{
		"200":     {Description: "The results, in an array.", Content: jsonContent(envelope([]string{"result"}, NamedSchema{"result", result}))},
		"default": {Description: "The call failed.", Content: jsonContent(&Schema{Ref: w.prefix + "kidl-error"})},
	}
	return op
}

// envelope is a JSON-RPC message of version 1.1, or of 2.0, which says so in
// another member.
func envelope(required []string, members ...NamedSchema) *Schema {
	return &Schema{
		Type: "object", Required: required,
		Properties: append(Schemas{
			{"version", &Schema{Const: "1.1"}},
			{"jsonrpc", &Schema{Const: "2.0"}},
			{"id", &Schema{Type: []string{"string", "integer", "null"}}},
		}, members...),
	}
}

func errorSchema() *Schema {
	return envelope([]string{"error"}, NamedSchema{"error", &Schema{
		Type: "object", Required: []string{"code", "message"},
		Properties: Schemas{
			{"name", &Schema{Type: "string"}},
			{"code", &Schema{Type: "integer"}},
			{"message", &Schema{Type: "string"}},
			{"error", &Schema{Type: []string{"string", "null"}, Description: "The stack trace, where the service gives one."}},
			{"data", &Schema{}},
		},
	}})
}

func jsonContent(s *Schema) map[string]openAPIMedia {
	return map[string]openAPIMedia{"application/json": {Schema: s}}
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// OpenAPI is a document; write it as JSON.
type OpenAPI struct {
	OpenAPI    string                 `json:"openapi"`
	Info       openAPIInfo            `json:"info"`
	Dialect    string                 `json:"jsonSchemaDialect"`
	Servers    []openAPIServer        `json:"servers,omitempty"`
	Paths      map[string]openAPIPath `json:"paths"`
	Components struct {
		Schemas         Schemas                    `json:"schemas"`
		SecuritySchemes map[string]openAPISecurity `json:"securitySchemes"`
	} `json:"components"`
}

type openAPIInfo struct {
	Title       string `json:"title"`
	Version     string `json:"version"`
	Description string `json:"description,omitempty"`
}

type openAPIServer struct {
	URL string `json:"url"`
}

type openAPIPath struct {
	Post openAPIOperation `json:"post"`
}

type openAPIOperation struct {
	ID          string                 `json:"operationId"`
	Summary     string                 `json:"summary,omitempty"`
	Description string                 `json:"description,omitempty"`
	Deprecated  bool                   `json:"deprecated,omitempty"`
	Instead     string                 `json:"x-kidl-replacement,omitempty"`
	Async       bool                   `json:"x-kidl-async,omitempty"`
	Security    []map[string][]string  `json:"security"`
	RequestBody openAPIBody            `json:"requestBody"`
	Responses   map[string]openAPIBody `json:"responses"`
}

// openAPIBody is a request's or a response's.
type openAPIBody struct {
	Description string                  `json:"description,omitempty"`
	Required    bool                    `json:"required,omitempty"`
	Content     map[string]openAPIMedia `json:"content"`
}

type openAPIMedia struct {
	Schema *Schema `json:"schema"`
}

type openAPISecurity struct {
	Type        string `json:"type"`
	In          string `json:"in"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
}
