package kbase

// catalog is the part of KBase's Catalog that is about dynamic services, and what
// the execution engine keeps there.
func (f *Facade) catalog() *api {
	return &api{Facade: f, module: "Catalog", operations: map[string]operation{
		"version": {anyone, 0, 0, f.getVersion},
		"status":  {anyone, 0, 0, f.selfStatus},

		"is_registered":                 {anyone, 1, 1, f.isRegistered},
		"get_module_version":            {anyone, 1, 1, f.moduleVersion},
		"get_module_info":               {anyone, 1, 1, f.moduleInfo},
		"get_version_info":              {anyone, 1, 1, f.versionInfo},
		"list_released_module_versions": {anyone, 1, 1, f.releasedVersions},
		"list_basic_module_info":        {anyone, 1, 1, f.listBasic},
		"list_service_modules":          {anyone, 1, 1, f.listServices},
		"module_version_lookup":         {anyone, 1, 1, f.lookup},
		"list_local_functions":          {anyone, 1, 1, f.localFunctions},
		"get_local_function_details":    {anyone, 1, 1, f.localFunctions},

		"register_repo":                 {required, 1, 1, f.registerRepo},
		"get_module_state":              {anyone, 1, 1, f.moduleState},
		"get_build_log":                 {anyone, 1, 1, f.buildLog},
		"get_parsed_build_log":          {anyone, 1, 1, f.parsedBuildLog},
		"list_builds":                   {anyone, 1, 1, f.listBuilds},
		"set_registration_state":        {admin, 1, 1, f.setRegistrationState},
		"migrate_module_to_new_git_url": {admin, 1, 1, f.migrate},
		"set_to_active":                 {admin, 1, 1, f.setActive},
		"set_to_inactive":               {admin, 1, 1, f.setInactive},
		"delete_module":                 {admin, 1, 1, f.deleteModule},

		"push_dev_to_beta":        {required, 1, 1, f.pushToBeta},
		"request_release":         {required, 1, 1, f.requestRelease},
		"list_requested_releases": {anyone, 0, 0, f.listRequests},
		"review_release_request":  {admin, 1, 1, f.review},

		"is_approved_developer": {anyone, 1, 1, f.areApproved},
		"approve_developer":     {admin, 1, 1, f.approveDeveloper},
		"revoke_developer":      {admin, 1, 1, f.revokeDeveloper},
		"is_admin":              {optional, 1, 0, f.isAdmin},

		"add_favorite":         {required, 1, 1, f.addFavourite},
		"remove_favorite":      {required, 1, 1, f.removeFavourite},
		"list_favorites":       {anyone, 1, 1, f.favouritesOf},
		"list_app_favorites":   {anyone, 1, 1, f.favouritesFor},
		"list_favorite_counts": {anyone, 1, 1, f.countFavourites},

		"log_exec_stats":      {admin, 1, 1, f.logExecution},
		"get_exec_aggr_stats": {anyone, 1, 1, f.aggregate},
		"get_exec_aggr_table": {admin, 1, 1, f.table},
		"get_exec_raw_stats":  {admin, 1, 1, f.rawExecutions},

		"set_volume_mount":            {admin, 1, 1, f.setMounts},
		"remove_volume_mount":         {admin, 1, 1, f.removeMounts},
		"list_volume_mounts":          {admin, 1, 1, f.listMounts},
		"set_client_group_config":     {admin, 1, 1, f.setGroups},
		"remove_client_group_config":  {admin, 1, 1, f.removeGroups},
		"list_client_group_configs":   {anyone, 1, 1, f.listGroups},
		"get_client_groups":           {anyone, 1, 1, f.appGroups},
		"set_secure_config_params":    {admin, 1, 1, f.setParameters},
		"remove_secure_config_params": {admin, 1, 1, f.removeParameters},
		"get_secure_config_params":    {admin, 1, 1, f.getParameters},
	}}
}
