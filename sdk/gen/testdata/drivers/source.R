# Runs the code of packages that are not installed, and checks their help pages.

for (package in commandArgs(trailingOnly = TRUE)) {
  env <- new.env(parent = globalenv())
  for (name in c("values.R", "runtime.R", "client.R")) {
    sys.source(file.path(package, "R", name), env)
  }
  makers <- grep("_client$", ls(env), value = TRUE)
  stopifnot(length(makers) == 1)
  client <- env[[makers]]("http://127.0.0.1:1")
  methods <- vapply(client, is.function, NA)
  stopifnot(all(methods), !anyDuplicated(names(client)), length(client) == 4 * length(env$functions))
  for (page in list.files(file.path(package, "man"), full.names = TRUE)) {
    said <- format(tools::checkRd(page))
    if (length(said) > 0) {
      stop(package, ": ", said)
    }
  }
}
