package local

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// secureParameter begins the variables that hold parameters of a KBase module.
const secureParameter = "KBASE_SECURE_CONFIG_PARAM_"

// properties is the file in which a KBase module's start script looks for its settings
// before it looks at the environment, as its reader understands it: there a % or the
// end of a line mean something.
func properties(env map[string]string, reachable func(string) string) string {
	var out strings.Builder
	out.WriteString("[global]\n")
	set := func(name, value string) {
		fmt.Fprintf(&out, "%s = %s\n", name, strings.NewReplacer("%", "%%", "\n", "\n ").Replace(reachable(value)))
	}
	endpoint := env["KBASE_ENDPOINT"]
	set("kbase_endpoint", endpoint)
	for _, service := range [][2]string{{"job_service_url", "userandjobstate"}, {"workspace_url", "ws"}, {"shock_url", "shock-api"},
		{"handle_url", "handle_service"}, {"srv_wiz_url", "service_wizard"}, {"njsw_url", "njs_wrapper"}} {
		set(service[0], endpoint+"/"+service[1])
	}
	if url := env["AUTH_SERVICE_URL"]; url != "" {
		set("auth_service_url", url)
	}
	set("auth_service_url_allow_insecure", env["AUTH_SERVICE_URL_ALLOW_INSECURE"])
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if parameter, ok := strings.CutPrefix(name, secureParameter); ok {
			set(parameter, env[name])
		}
	}
	return out.String()
}
